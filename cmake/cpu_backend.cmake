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

# compile_for_isa(target isa sources...): into namespace CAUSEWAY_ISA, with the flags of `isa`.
function(compile_for_isa target isa)
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
# compile_per_isa(target sources...): once for each instruction set.
function(compile_per_isa target)
  foreach(isa ${causeway_isas})
    compile_for_isa(${target} ${isa} ${ARGN})
  endforeach()
endfunction()
compile_per_isa(causeway_cpu ${kernel_sources})

# What AMX does better than avx512bf16: a few kernels, in a namespace of their own.
if("avx512bf16" IN_LIST causeway_isas)
  set(causeway_flags_amx ${causeway_flags_avx512bf16})
  file(GLOB amx_sources CONFIGURE_DEPENDS core/cpu/amx/*.cpp)
  compile_for_isa(causeway_cpu amx ${amx_sources})
endif()
