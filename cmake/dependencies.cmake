# Every library the project needs, each with the Debian package that carries it. scripts/install_deps
# installs the same list.
function(require_package name debian_package)
  find_package(${name} ${ARGN} QUIET)
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "Causeway needs ${name}. On Debian: apt-get install ${debian_package} "
                        "(or run scripts/install_deps, which installs everything)")
  endif()
  if(${name}_VERSION)
    set_property(GLOBAL APPEND PROPERTY causeway_libraries "${name} ${${name}_VERSION}")
  endif()
endfunction()

require_package(Threads g++)
require_package(fmt libfmt-dev GLOBAL)
require_package(spdlog libspdlog-dev GLOBAL)
require_package(yaml-cpp libyaml-cpp-dev GLOBAL)
require_package(nlohmann_json nlohmann-json3-dev GLOBAL)
require_package(CLI11 libcli11-dev GLOBAL)
require_package(dnnl libdnnl-dev GLOBAL)
if(CAUSEWAY_TESTS)
  require_package(Catch2 catch2 2.13...<3 GLOBAL)
endif()

# Optional: without it one process trains, and mpirun is refused with a remedy.
set(MPI_CXX_SKIP_MPICXX ON)  # the C interface only
find_package(MPI QUIET COMPONENTS CXX)
if(NOT MPI_CXX_FOUND)
  message(STATUS "No MPI: CPU ranks are left out (Debian: apt-get install libopenmpi-dev openmpi-bin)")
endif()

# xxhash ships only a pkg-config file.
find_path(XXHASH_INCLUDE_DIR xxhash.h)
find_library(XXHASH_LIBRARY xxhash)
if(NOT XXHASH_INCLUDE_DIR OR NOT XXHASH_LIBRARY)
  message(FATAL_ERROR "Causeway needs xxhash. On Debian: apt-get install libxxhash-dev "
                      "(or run scripts/install_deps, which installs everything)")
endif()
add_library(xxhash INTERFACE)
target_include_directories(xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE_DIR})
target_link_libraries(xxhash INTERFACE ${XXHASH_LIBRARY})
