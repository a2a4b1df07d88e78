// One test source, two machines: under g++ or clang++ kernels run in the emulation, under nvcc on a
// GPU, where passing says that the emulation tells the truth.
#pragma once
#include <cstring>
#include <vector>

#include "cuda/kernel_env.cuh"

#if defined(__CUDACC__)
#include <stdexcept>
#endif

namespace causeway::simt {

#if defined(__CUDACC__)
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline void require(cudaError_t error) {
  if (error != cudaSuccess) throw Error(cudaGetErrorString(error));
}
/// Waits for the kernels launched so far. Throws Error where one failed.
inline void finish() { require(cudaDeviceSynchronize()); }
#else
inline void finish() {}
#endif

/// Memory that kernels and the test share. Values nobody gave are NaN; in the emulation, what lies
/// next to it is nobody's, and reading what was never written is an error.
template <class T>
class Buffer {
 public:
  explicit Buffer(size_t n, const char* name = "buffer") : size_(n) { make(name, nullptr); }
  explicit Buffer(const std::vector<T>& v, const char* name = "buffer") : size_(v.size()) {
    make(name, v.data());
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* data() { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) {
    finish();
    return data_[i];
  }

 private:
  size_t size_;
  T* data_ = nullptr;

#if defined(__CUDACC__)
 public:
  ~Buffer() { cudaFree(data_); }

 private:
  void make(const char*, const T* values) {
    require(cudaMallocManaged(&data_, size_ * sizeof(T)));
    std::memset(static_cast<void*>(data_), 0xff, size_ * sizeof(T));
    if (values) std::memcpy(static_cast<void*>(data_), values, size_ * sizeof(T));
  }
#else
 public:
  ~Buffer() { remove_region(data_); }

 private:
  static constexpr size_t kRedzone = 256;
  std::vector<unsigned char> bytes_;

  void make(const char* name, const T* values) {
    bytes_.assign(size_ * sizeof(T) + 3 * kRedzone, 0xff);
    const auto low = reinterpret_cast<uintptr_t>(bytes_.data());
    data_ = reinterpret_cast<T*>((low + 2 * kRedzone - 1) / kRedzone * kRedzone);
    if (values) std::memcpy(static_cast<void*>(data_), values, size_ * sizeof(T));
    add_region(data_, size_ * sizeof(T), kRedzone, values != nullptr, name);
  }
#endif
};

}  // namespace causeway::simt
