# CUDA kernels on the CPU, for tests: files with kernels are compiled as C++ against the emulation in
# tests/simt/ (docs/simt.md), once plain and once checked. It needs NVIDIA's headers, no library.
# With CAUSEWAY_SANITIZE the plain one is the sanitized one, and there is no checked one.
find_program(CAUSEWAY_NVCC nvcc HINTS /usr/local/cuda/bin)
get_filename_component(nvcc_folder "${CAUSEWAY_NVCC}" REALPATH)
get_filename_component(nvcc_folder "${nvcc_folder}" DIRECTORY)
find_path(CAUSEWAY_CUDA_INCLUDE_DIR NAMES cuda_bf16.h
          HINTS ${nvcc_folder}/../include /usr/local/cuda/include)
if(CAUSEWAY_CUDA_INCLUDE_DIR)
  set(CAUSEWAY_SIMT ON)
else()
  set(CAUSEWAY_SIMT OFF)
  message(STATUS "No CUDA headers (cuda_bf16.h): tests of CUDA kernels on the CPU are left out")
  return()
endif()

set(simt_variants "")
if(NOT CAUSEWAY_SANITIZE)
  list(APPEND simt_variants _checked)
endif()

add_library(causeway_simt_flags INTERFACE)
target_link_libraries(causeway_simt_flags INTERFACE causeway_flags fmt::fmt)
target_include_directories(causeway_simt_flags SYSTEM INTERFACE ${CAUSEWAY_CUDA_INCLUDE_DIR})
# #pragma unroll is nvcc's.
target_compile_options(causeway_simt_flags INTERFACE -Wno-unknown-pragmas)

set(simt_engine async_copy barriers collectives fiber fragments mbarrier regions report scheduler
                shadow shared_memory streams tma wgmma)
list(TRANSFORM simt_engine PREPEND ${CMAKE_SOURCE_DIR}/tests/simt/)
list(TRANSFORM simt_engine APPEND .cpp)
add_library(causeway_simt STATIC EXCLUDE_FROM_ALL ${simt_engine})
target_link_libraries(causeway_simt PUBLIC causeway_simt_flags)
# The checked build's part: what the instrumentation calls. Objects, or the linker would leave out
# what switches checking on.
add_library(causeway_simt_checked OBJECT EXCLUDE_FROM_ALL
            ${CMAKE_SOURCE_DIR}/tests/simt/tsan_runtime.cpp)
target_link_libraries(causeway_simt_checked PUBLIC causeway_simt_flags)

# add_simt_test(name SOURCES files... [LIBRARIES libraries...] [APART tag] [LONG]): the Catch2 tests,
# kernels and launch code (.cu too) of `files` as the programs simt_<name> and simt_<name>_checked, run by
# ctest under these names. APART: tests of this tag as simt_<name>_<tag>, on another core, since they take
# as long as the rest. LONG: among the long ones only.
function(add_simt_test name)
  cmake_parse_arguments(arg "LONG" "APART" "SOURCES;LIBRARIES" ${ARGN})
  foreach(variant "" ${simt_variants})
    set(target simt_${name}${variant})
    add_executable(${target} ${arg_SOURCES})
    foreach(source ${arg_SOURCES})
      if(source MATCHES "\\.cu$")
        set_source_files_properties(${source} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
      endif()
    endforeach()
    target_link_libraries(${target} PRIVATE causeway_test_main causeway_simt ${arg_LIBRARIES}
                                            Catch2::Catch2)
    if(variant STREQUAL "_checked")
      target_compile_options(${target} PRIVATE -fsanitize=thread)
      target_link_libraries(${target} PRIVATE causeway_simt_checked)
    endif()
    if(arg_APART)
      set(tests ${target} simt_${name}_${arg_APART}${variant})
      add_test(NAME ${target} COMMAND ${target} "~[${arg_APART}]~[.]"
               WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      add_test(NAME simt_${name}_${arg_APART}${variant} COMMAND ${target} "[${arg_APART}]"
               WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    else()
      set(tests ${target})
      add_test(NAME ${target} COMMAND ${target} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    endif()
    # A fiber that failed leaves its stack, and what it owned, behind.
    set_tests_properties(${tests} PROPERTIES TIMEOUT 900
                                             ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0")
    if(variant STREQUAL "_checked")
      set_tests_properties(${tests} PROPERTIES COST 100)  # those that take long begin first
    endif()
    if(arg_LONG)
      set_tests_properties(${tests} PROPERTIES LABELS long)
    endif()
  endforeach()
endfunction()
