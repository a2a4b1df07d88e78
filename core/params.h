// ParamTable: every parameter of a model by name, shape and place in the flat buffers. Layers add
// their parameters once, in order; value, gradient, moments and master are each one flat buffer
// with the same offsets. Read next: layers.h.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace causeway {

using ParamId = int;
inline constexpr ParamId kNoParam = -1;

struct ParamInfo {
  std::string name;        ///< "blocks.3.attention.qkv.weight"
  int64_t rows = 0;        ///< as stored, padding included
  int64_t cols = 0;        ///< 0: a vector of `rows`
  int64_t valid_rows = 0;  ///< rows that are real (vocabulary padding stays zero)
  double init_mean = 0;    ///< 1 for norm weights
  double init_std = 0;     ///< 0: constant
  int bucket = 0;          ///< what is exchanged together: 0 embedding, 1..L blocks, L + 1 head
  int64_t offset = 0;      ///< elements, multiple of kParamAlignment
  int64_t numel() const { return rows * (cols ? cols : 1); }
  int64_t valid_numel() const { return valid_rows * (cols ? cols : 1); }
  bool is_matrix() const { return cols != 0; }  ///< weight decay applies
};

/// Elements; keeps every parameter on a 256-byte border in f32.
inline constexpr int64_t kParamAlignment = 64;
/// Elements; a bucket begins on such a border, so that partial sums belong to one bucket.
inline constexpr int64_t kBucketAlignment = 1 << 14;

class ParamTable {
 public:
  /// `offset` is assigned here; names must be new.
  ParamId add(ParamInfo info);
  std::span<const ParamInfo> all() const { return params_; }
  const ParamInfo& operator[](ParamId id) const { return params_[id]; }
  /// Length of a flat buffer, in elements.
  int64_t flat_size() const { return flat_size_; }
  /// Parameters without padding.
  int64_t count() const;
  ParamId find(std::string_view name) const;  ///< kNoParam when absent

  /// The parameter's part of a flat buffer (flat_size elements): (rows, cols) or (rows).
  Tensor view(ParamId id, const Tensor& flat) const;

 private:
  std::vector<ParamInfo> params_;
  int64_t flat_size_ = 0;
};

/// The initial values of one parameter, f32, padding zero: N(mean, std) from Philox, a function of
/// (seed, parameter index) alone.
std::vector<float> initial_values(const ParamTable& table, ParamId id, uint64_t seed);

}  // namespace causeway
