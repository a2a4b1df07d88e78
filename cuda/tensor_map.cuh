// Describes a tensor in device memory to TMA. The driver makes the description; its function is
// found at run time, so that nothing links against the driver. The emulation's twin is in
// tests/simt/sm90.h.
#pragma once
#include "cuda/sm90.cuh"

#if defined(__CUDACC__)
namespace causeway::cuda {

/// A (rows, columns) bf16 tensor, rows `stride` elements apart (a multiple of 8; base aligned to 16
/// bytes), read and written in boxes of (box_rows ≤ 256, box_columns = 64) in the 128-byte swizzle.
/// An error of the driver is returned; the map is then of no use.
inline cudaError_t tensor_map_2d(TensorMap* map, const void* base, int64_t rows, int64_t columns,
                                 int64_t stride, int box_rows, int box_columns) {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found;
  constexpr unsigned kSinceCuda12 = 12000;
  const cudaError_t error = cudaGetDriverEntryPointByVersion(
      "cuTensorMapEncodeTiled", &entry, kSinceCuda12, cudaEnableDefault, &found);
  if (error != cudaSuccess) return error;
  if (found != cudaDriverEntryPointSuccess) return cudaErrorNotSupported;
  const cuuint64_t sizes[2] = {static_cast<cuuint64_t>(columns), static_cast<cuuint64_t>(rows)};
  const cuuint64_t strides[1] = {static_cast<cuuint64_t>(stride) * 2};  // bytes
  const cuuint32_t box[2] = {static_cast<cuuint32_t>(box_columns),
                             static_cast<cuuint32_t>(box_rows)};
  const cuuint32_t steps[2] = {1, 1};
  const CUresult result = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(entry)(
      map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, const_cast<void*>(base), sizes, strides, box, steps,
      CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace causeway::cuda
#endif
