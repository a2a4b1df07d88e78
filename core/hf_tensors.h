// The one table between our parameters and the tensors of a Hugging Face file: saving and loading
// are both loops over it. Read next: hf_tensors.cpp (the rules), hf_weights.cpp (the loops).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/params.h"

namespace causeway {

enum class HfLayout : uint8_t {
  AsIs,
  Transposed,  ///< (in, out): the weights of GPT-2's Conv1D
  Zeros,       ///< no parameter of ours: a bias that the class has and the model has not
};

/// A tensor of model.safetensors, and the rows of the parameter that it holds.
struct HfTensor {
  std::string name;  ///< in the file
  ParamId param = kNoParam;
  int64_t first_row = 0, rows = 0;  ///< of the parameter, padding never included
  int64_t cols = 0;                 ///< 0: a vector
  HfLayout layout = HfLayout::AsIs;

  /// As in the file.
  std::vector<int64_t> shape() const;
  int64_t numel() const { return rows * (cols ? cols : 1); }
};

/// All tensors of the file, in its order; the pieces of one parameter stand together, and the
/// parameters in the table's order. `params` are Model(config).params().
std::vector<HfTensor> hf_tensors(const ModelConfig& config, const ParamTable& params,
                                 std::string_view model_type);

/// Whether a tensor that the table does not name may be passed over: masks and rotary frequencies
/// that old versions stored, and the head's copy of a tied embedding.
bool is_harmless_extra(std::string_view name, const ModelConfig& config);

/// Without "transformer." or "model.": base models are stored without it.
std::string_view without_prefix(std::string_view name);

}  // namespace causeway
