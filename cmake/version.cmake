# The build's identity (git commit), written to generated/version.h at configure time.
find_package(Git QUIET)
set(CAUSEWAY_COMMIT "unknown")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty
                  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE described
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(described)
    set(CAUSEWAY_COMMIT ${described})
  endif()
endif()
get_property(CAUSEWAY_LIBRARIES GLOBAL PROPERTY causeway_libraries)
list(JOIN CAUSEWAY_LIBRARIES ", " CAUSEWAY_LIBRARIES)
configure_file(cmake/version.h.in generated/version.h @ONLY)
include_directories(${CMAKE_BINARY_DIR}/generated)
