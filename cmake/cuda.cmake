# The CUDA backend. With a toolkit (nvcc, its headers, cuBLASLt) it is built for the architectures
# below; without one, cuda/ shrinks to backend_absent.cpp and `device: auto` means the CPU.
#
# CAUSEWAY_CUDA_ARCHS: -gencode arguments, one per architecture. sm_90a is not a short form of
# sm_90: it alone has TMA and wgmma, and nvcc wants it spelled out.
set(CAUSEWAY_CUDA_ARCHS
    "arch=compute_80,code=sm_80;arch=compute_90a,code=sm_90a;arch=compute_90,code=compute_90"
    CACHE STRING "nvcc -gencode arguments")
option(CAUSEWAY_CUDA "Build the CUDA backend where a CUDA toolkit is found" ON)
option(CAUSEWAY_CUDNN "Build cuDNN's attention where its headers and cudnn-frontend's are found" ON)
option(CAUSEWAY_NCCL "Build for many GPUs per run where NCCL's header is found" ON)

# The measured algorithms of products, compiled in: a program needs no file.
file(READ cuda/gemm_table.tsv CAUSEWAY_GEMM_TABLE)
configure_file(cuda/gemm_table_text.h.in generated/gemm_table_text.h @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cuda/gemm_table.tsv)

if(CAUSEWAY_CUDA)
  find_package(CUDAToolkit 12.5 QUIET)
endif()

set(CMAKE_CUDA_ARCHITECTURES OFF)  # CAUSEWAY_CUDA_ARCHS instead; every target must know
add_library(causeway_cuda STATIC)
target_link_libraries(causeway_cuda PUBLIC causeway_core)
if(NOT CUDAToolkit_FOUND OR NOT CUDAToolkit_NVCC_EXECUTABLE OR NOT TARGET CUDA::cublasLt)
  message(STATUS "CUDA backend: left out (CAUSEWAY_CUDA is off, or no CUDA toolkit from 12.5 on has nvcc "
                 "and cuBLASLt)")
  target_sources(causeway_cuda PRIVATE cuda/backend_absent.cpp cuda/comm_nccl_absent.cpp)
  return()
endif()

message(STATUS "CUDA backend: ${CUDAToolkit_NVCC_EXECUTABLE} ${CUDAToolkit_VERSION}")
set_property(GLOBAL APPEND PROPERTY causeway_libraries "CUDA ${CUDAToolkit_VERSION}")
set(CMAKE_CUDA_COMPILER ${CUDAToolkit_NVCC_EXECUTABLE})
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc 13 has C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()

file(GLOB cuda_sources CONFIGURE_DEPENDS cuda/*.cpp)
list(FILTER cuda_sources EXCLUDE REGEX "/(.*_absent|comm_nccl|attention_cudnn)\\.cpp$")
target_sources(causeway_cuda PRIVATE ${cuda_sources})
find_path(NCCL_INCLUDE_DIR nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
if(CAUSEWAY_NCCL AND NCCL_INCLUDE_DIR)  # the library itself is loaded by those who need it
  target_sources(causeway_cuda PRIVATE cuda/comm_nccl.cpp)
  target_include_directories(causeway_cuda SYSTEM PRIVATE ${NCCL_INCLUDE_DIR})
  target_link_libraries(causeway_cuda PRIVATE ${CMAKE_DL_LIBS})
else()
  message(STATUS "CUDA backend: no NCCL (nccl.h; or CAUSEWAY_NCCL is off): one GPU per "
                 "run")
  target_sources(causeway_cuda PRIVATE cuda/comm_nccl_absent.cpp)
endif()
# scripts/install_deps --cudnn puts them into build/cudnn. cuDNN itself is opened at run time.
find_path(CUDNN_INCLUDE_DIR cudnn.h
          HINTS ${CUDAToolkit_INCLUDE_DIRS} ${CMAKE_SOURCE_DIR}/build/cudnn/nvidia/cudnn/include)
find_path(CUDNN_FRONTEND_INCLUDE_DIR cudnn_frontend.h
          HINTS ${CMAKE_SOURCE_DIR}/build/cudnn/include)
if(CAUSEWAY_CUDNN AND CUDNN_INCLUDE_DIR AND CUDNN_FRONTEND_INCLUDE_DIR)
  target_sources(causeway_cuda PRIVATE cuda/attention_cudnn.cpp)
  target_include_directories(causeway_cuda SYSTEM PRIVATE ${CUDNN_INCLUDE_DIR}
                                                          ${CUDNN_FRONTEND_INCLUDE_DIR})
  target_link_libraries(causeway_cuda PRIVATE ${CMAKE_DL_LIBS})
else()
  message(STATUS "CUDA backend: no attention by cuDNN (cudnn.h, cudnn_frontend.h; or CAUSEWAY_CUDNN "
                 "is off)")
  target_sources(causeway_cuda PRIVATE cuda/attention_cudnn_absent.cpp)
endif()
target_include_directories(causeway_cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
target_link_libraries(causeway_cuda PRIVATE CUDA::cudart_static CUDA::cublasLt)

# add_cuda_kernels(name gencodes sources...): our own flags, not the host compiler's warnings.
function(add_cuda_kernels name gencodes)
  add_library(${name} OBJECT ${ARGN})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  # --expt-relaxed-constexpr: core/philox.h is constexpr and serves every backend.
  target_compile_options(${name} PRIVATE --expt-relaxed-constexpr -lineinfo -Xcompiler=-Wall)
  foreach(gencode ${gencodes})
    target_compile_options(${name} PRIVATE "SHELL:-gencode ${gencode}")
  endforeach()
  target_sources(causeway_cuda PRIVATE $<TARGET_OBJECTS:${name}>)
endfunction()

# Kernels of Hopper alone are compiled for it alone, and chosen at run time.
file(GLOB kernel_sources CONFIGURE_DEPENDS cuda/*.cu)
set(hopper_sources ${kernel_sources})
list(FILTER hopper_sources INCLUDE REGEX "_hopper\\.cu$")
list(FILTER kernel_sources EXCLUDE REGEX "_hopper\\.cu$")
add_cuda_kernels(causeway_cuda_kernels "${CAUSEWAY_CUDA_ARCHS}" ${kernel_sources})
if(CAUSEWAY_CUDA_ARCHS MATCHES "sm_90a")
  add_cuda_kernels(causeway_cuda_hopper "arch=compute_90a,code=sm_90a" ${hopper_sources})
else()
  message(STATUS "CUDA backend: no kernels of Hopper's own (CAUSEWAY_CUDA_ARCHS lacks sm_90a)")
  target_sources(causeway_cuda PRIVATE cuda/attention_hopper_absent.cpp)
endif()
