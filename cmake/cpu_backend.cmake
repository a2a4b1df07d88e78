# The CPU backend. Kernel files (core/cpu/kernels/*.cpp) are compiled once per instruction set, each
# time into another namespace; core/cpu/*.cpp picks one at run time and holds everything else.
file(GLOB cpu_sources CONFIGURE_DEPENDS core/cpu/*.cpp)
file(GLOB kernel_sources CONFIGURE_DEPENDS core/cpu/kernels/*.cpp)
add_library(causeway_cpu STATIC ${cpu_sources})
# oneDNN is built with GNU OpenMP and asks it for threads; matmul.cpp tells it to use one.
target_link_libraries(causeway_cpu PUBLIC causeway_core PRIVATE DNNL::dnnl gomp)

# add_kernels(name flags...): namespace causeway::cpu::<name>, for the CPUs that have these flags.
function(add_kernels name)
  add_library(causeway_cpu_${name} OBJECT ${kernel_sources})
  target_link_libraries(causeway_cpu_${name} PRIVATE causeway_flags)
  target_compile_definitions(causeway_cpu_${name} PRIVATE CAUSEWAY_ISA=${name})
  target_compile_options(causeway_cpu_${name} PRIVATE -O3 ${ARGN})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 warns of its own intrinsics headers (bug 105593).
    target_compile_options(causeway_cpu_${name} PRIVATE -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
  target_sources(causeway_cpu PRIVATE $<TARGET_OBJECTS:causeway_cpu_${name}>)
endfunction()

add_kernels(baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_kernels(avx2 -mavx2 -mfma)
  set(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma)
  add_kernels(avx512 ${avx512})
  add_kernels(avx512bf16 ${avx512} -mavx512bf16)
  target_compile_definitions(causeway_cpu PRIVATE CAUSEWAY_X86)
endif()
