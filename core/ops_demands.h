// The words in which ops_check*.cpp state what they demand of tensors. Included nowhere else.
// Read next: ops_check.cpp.
#pragma once
#include <algorithm>

#include "core/ops_check.h"

namespace causeway::demand {

struct Named {
  const char* name;
  const Tensor* tensor;
};

/// What the demands of one operation share: its name and the tensors a message shows.
class Demands {
 public:
  Demands(const char* op, std::initializer_list<Named> shown) : op_(op), shown_(shown) {}

  void expect(bool ok, const char* expected) const {
    if (!ok) [[unlikely]]
      fail(expected);
  }

 private:
  [[noreturn]] void fail(const char* expected) const {
    std::string got;
    for (const Named& one : shown_) {
      if (!got.empty()) got += ", ";
      got += fmt::format("{} {}", one.name, *one.tensor ? to_string(*one.tensor) : "absent");
      if (*one.tensor && !one.tensor->contiguous()) got += " strided";
    }
    throw Error({.id = fmt::format("op.{}", op_),
                 .where = "",
                 .what = fmt::format("[{}] expected {}, got {}", op_, expected, got),
                 .remedy = "core/backend.h states the shapes and dtypes of every operation"});
  }

  const char* op_;
  std::initializer_list<Named> shown_;  // the caller keeps it: see DEMANDS
};

using Dims = std::initializer_list<int64_t>;

inline bool has_shape(const Tensor& t, Dims dims) {
  return t.rank == static_cast<int>(dims.size()) &&
         std::equal(dims.begin(), dims.end(), t.shape.begin());
}
inline bool same_shape(const Tensor& a, const Tensor& b) {
  return a.rank == b.rank && a.shape == b.shape;
}
inline bool dense(const Tensor& t, Dims dims) { return t && has_shape(t, dims) && t.contiguous(); }
inline bool dense(const Tensor& t, DType dtype, Dims dims) {
  return t.dtype == dtype && dense(t, dims);
}
/// Absent, or as dense() demands.
inline bool optional(const Tensor& t, DType dtype, Dims dims) {
  return !t || dense(t, dtype, dims);
}
inline bool last_dense(const Tensor& t) {
  return t.rank > 0 && (t.stride[t.rank - 1] == 1 || t.shape[t.rank - 1] == 1);
}
/// A matrix whose rows may lie apart but do not overlap.
inline bool matrix(const Tensor& t) {
  return t && t.rank == 2 && last_dense(t) && (t.shape[0] == 1 || t.stride[0] >= t.shape[1]);
}
/// (B, T, H, D) with dense heads.
inline bool heads_dense(const Tensor& t) {
  return t && t.rank == 4 && last_dense(t) && (t.shape[2] == 1 || t.stride[2] == t.shape[3]);
}
inline bool is_act(DType t) { return t != DType::I32; }
/// (N, C) or (N, H, C) with a dense last dimension.
inline bool norm_rows(const Tensor& t) {
  return t && (t.rank == 2 || t.rank == 3) && last_dense(t);
}
/// One statistic per row of x.
inline bool per_row(const Tensor& stat, const Tensor& x) {
  const bool fits =
      x.rank == 2 ? has_shape(stat, {x.shape[0]}) : has_shape(stat, {x.shape[0], x.shape[1]});
  return stat && fits && stat.contiguous() && stat.dtype == stat_dtype(x.dtype);
}

}  // namespace causeway::demand

// The list of shown tensors must outlive `demands`: a named array, not a temporary.
#define DEMANDS(op, ...)                                                          \
  const std::initializer_list<::causeway::demand::Named> shown_here{__VA_ARGS__}; \
  const ::causeway::demand::Demands demands(op, shown_here)
