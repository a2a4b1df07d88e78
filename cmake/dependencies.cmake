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

# Libraries that ship no CMake file: a header and a library to find.
function(require_library name header library debian_package)
  find_path(${name}_INCLUDE_DIR ${header})
  find_library(${name}_LIBRARY ${library})
  if(NOT ${name}_INCLUDE_DIR OR NOT ${name}_LIBRARY)
    message(FATAL_ERROR "Causeway needs ${name}. On Debian: apt-get install ${debian_package} "
                        "(or run scripts/install_deps, which installs everything)")
  endif()
  add_library(${name} INTERFACE)
  target_include_directories(${name} SYSTEM INTERFACE ${${name}_INCLUDE_DIR})
  target_link_libraries(${name} INTERFACE ${${name}_LIBRARY})
endfunction()

require_library(xxhash xxhash.h xxhash libxxhash-dev)
require_library(pcre2 pcre2.h pcre2-8 libpcre2-dev)
require_library(zlib zlib.h z zlib1g-dev)
require_library(zstd zstd.h zstd libzstd-dev)
