// The table of matrix products whose algorithm was measured, gemm_table.tsv, compiled in. Read
// next: matmul.cpp (who asks it), tune.h (who makes its rows).
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace causeway::cuda {

/// cuBLASLt's own description of an algorithm, which the same version of the library reads back.
using GemmAlgorithm = std::array<uint64_t, 8>;

/// Where a row holds: on this GPU, with this library, for this product.
struct GemmKey {
  std::string gpu;      ///< "NVIDIA H200"
  std::string library;  ///< "cuBLASLt 13.0.2"
  std::string product;  ///< core/product.h

  auto operator<=>(const GemmKey&) const = default;
};

class GemmTable {
 public:
  /// `text`: lines as gemm_row() makes them; empty ones and those that begin with # do not count.
  /// Throws Error "device.gemm_table" at `where:line` for a line that is none or comes twice.
  GemmTable(std::string_view text, const std::string& where);

  /// Null where there is no row.
  const GemmAlgorithm* find(const GemmKey& key) const;
  size_t size() const { return rows_.size(); }

 private:
  std::map<GemmKey, GemmAlgorithm> rows_;
};

/// cuda/gemm_table.tsv as it was when the program was built.
GemmTable committed_gemm_table();

/// A line of the table, without its end.
std::string gemm_row(const GemmKey& key, const GemmAlgorithm& algorithm);

}  // namespace causeway::cuda
