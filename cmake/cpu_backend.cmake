# The CPU backend. Kernel files (core/cpu/kernels/*.cpp) are compiled once per instruction set, each
# time into another namespace; core/cpu/*.cpp picks one at run time and holds everything else.
file(GLOB cpu_sources CONFIGURE_DEPENDS core/cpu/*.cpp)
file(GLOB kernel_sources CONFIGURE_DEPENDS core/cpu/kernels/*.cpp)
add_library(causeway_cpu STATIC ${cpu_sources})
# oneDNN is built with GNU OpenMP and asks it for threads; matmul.cpp tells it to use one.
target_link_libraries(causeway_cpu PUBLIC causeway_core PRIVATE DNNL::dnnl gomp)

# The instruction sets and the flags each needs, from least to most able, as core/cpu/isa.h has them.
set(causeway_isas baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND causeway_isas avx2 avx512 avx512bf16)
  set(causeway_flags_avx2 -mavx2 -mfma)
  set(causeway_flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma)
  set(causeway_flags_avx512bf16 ${causeway_flags_avx512} -mavx512bf16)
  target_compile_definitions(causeway_cpu PRIVATE CAUSEWAY_X86)
endif()

# compile_for(isa target sources...): into namespace CAUSEWAY_ISA.
function(compile_for isa target)
  add_library(${target}_${isa} OBJECT ${ARGN})
  target_link_libraries(${target}_${isa} PRIVATE causeway_flags)
  target_compile_definitions(${target}_${isa} PRIVATE CAUSEWAY_ISA=${isa})
  target_compile_options(${target}_${isa} PRIVATE -O3 ${causeway_flags_${isa}})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 warns of its own intrinsics headers (bug 105593).
    target_compile_options(${target}_${isa} PRIVATE -Wno-maybe-uninitialized -Wno-uninitialized)
  endif()
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_${isa}>)
endfunction()
# compile_per_isa(target sources...): once for each of them.
function(compile_per_isa target)
  foreach(isa ${causeway_isas})
    compile_for(${isa} ${target} ${ARGN})
  endforeach()
endfunction()
compile_per_isa(causeway_cpu ${kernel_sources})

# Intel's matrix unit: what it does better, beside the tables of the instruction sets.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  file(GLOB amx_sources CONFIGURE_DEPENDS core/cpu/kernels/amx/*.cpp)
  set(causeway_flags_avx512amx ${causeway_flags_avx512bf16} -mamx-tile -mamx-bf16)
  compile_for(avx512amx causeway_cpu ${amx_sources})
endif()
