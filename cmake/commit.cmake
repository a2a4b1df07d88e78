# Writes OUT, a header that says which commit is being built: run at every build, since commits do not
# configure anew. cmake -DGIT=git -DOUT=FILE -P commit.cmake. See version.cmake.
set(CAUSEWAY_COMMIT "unknown")
if(GIT)
  execute_process(COMMAND ${GIT} describe --always --dirty
                  WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR} OUTPUT_VARIABLE described
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(described)
    set(CAUSEWAY_COMMIT ${described})
  endif()
endif()
# Left alone where it says so already: nothing is compiled again.
file(CONFIGURE OUTPUT ${OUT} CONTENT "#pragma once\n#define CAUSEWAY_COMMIT \"${CAUSEWAY_COMMIT}\"\n")
