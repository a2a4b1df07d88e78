// cuBLASLt's handles with one owner each, and how a tensor is told to it. Read next: matmul.cpp.
#pragma once
#include <cublasLt.h>

#include <memory>

#include "core/error.h"
#include "core/tensor.h"

namespace causeway::cuda {

inline void require(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error({.id = "device.cublas",
               .where = "",
               .what = fmt::format("[matmul] {}: {}", what, cublasLtGetStatusString(status)),
               .remedy = "causeway doctor checks the device"});
}

/// Library handles with one owner.
template <class Handle, cublasStatus_t (*kDestroy)(Handle)>
struct Destroy {
  using pointer = Handle;
  void operator()(Handle handle) const { kDestroy(handle); }
};
template <class Handle, cublasStatus_t (*kDestroy)(Handle)>
using Owned = std::unique_ptr<Handle, Destroy<Handle, kDestroy>>;
using Library = Owned<cublasLtHandle_t, cublasLtDestroy>;
using Layout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Description = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

inline cudaDataType_t data_type(DType t) { return t == DType::BF16 ? CUDA_R_16BF : CUDA_R_32F; }

/// A stored row-major matrix as the library sees it: its transpose.
inline Layout layout(const Tensor& t) {
  cublasLtMatrixLayout_t handle = nullptr;
  const int64_t stride = t.shape[0] == 1 ? t.shape[1] : t.stride[0];
  require(cublasLtMatrixLayoutCreate(&handle, data_type(t.dtype), t.shape[1], t.shape[0], stride),
          "layout");
  return Layout(handle);
}

template <class T>
void set(const Description& d, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  require(cublasLtMatmulDescSetAttribute(d.get(), attribute, &value, sizeof value), "description");
}
template <class T>
void set(const Preference& p, cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
  require(cublasLtMatmulPreferenceSetAttribute(p.get(), attribute, &value, sizeof value),
          "preference");
}

}  // namespace causeway::cuda
