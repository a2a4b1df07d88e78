# The build's identity: generated/version.h, written when configured, and commit.h, at every build.
find_package(Git QUIET)
get_property(CAUSEWAY_LIBRARIES GLOBAL PROPERTY causeway_libraries)
list(JOIN CAUSEWAY_LIBRARIES ", " CAUSEWAY_LIBRARIES)
configure_file(cmake/version.h.in generated/version.h @ONLY)
add_custom_target(causeway_commit
  COMMAND ${CMAKE_COMMAND} -DGIT=${GIT_EXECUTABLE} -DOUT=${CMAKE_BINARY_DIR}/generated/commit.h
          -P ${CMAKE_SOURCE_DIR}/cmake/commit.cmake
  BYPRODUCTS ${CMAKE_BINARY_DIR}/generated/commit.h
  COMMENT "Looking up the commit")
include_directories(${CMAKE_BINARY_DIR}/generated)
