// OpCase: one operation with its shapes, inputs, options and cost, as data. Three uses: a backend's
// agreement with the double reference, the complex-step gradient (both in tests/ops), and timing
// (`bench`). Read next: families.h (the cases), case_tensors.h (their memory).
//
// A case's forward reads its inputs and constants, and writes its outputs and what it saves; its
// backward reads all of these and the cotangents, and writes gradients. By name, d_y is the
// cotangent of the output y and d_x the gradient of the input x: with loss = Σ ⟨d_y, y⟩ over the
// outputs, the backward must give d_x = ∂ loss / ∂ x.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/context.h"

namespace causeway {

class CaseTensors;

/// Which of a run's dtypes a tensor has: see Precision in core/context.h.
enum class ElementKind : uint8_t { Act, Stat, Grad, Scalar, Int };

enum class Role : uint8_t {
  Input,      ///< read; the backward may give its gradient
  Constant,   ///< read; has no gradient: tokens, tables
  Output,     ///< written by the forward
  Saved,      ///< written by the forward for the backward; no cotangent
  Cotangent,  ///< read by the backward
  Gradient,   ///< written by the backward
};

/// The value of element e; `stream` is the tensor's own. A fill is a function of its arguments
/// alone, so every backend gets the same numbers.
using Fill = std::function<double(const RandomStream& stream, int64_t e)>;

Fill normal(double std = 1, double mean = 0);
Fill integers(int64_t low, int64_t high);  ///< in [low, high)
Fill constant(double value);
/// `fill` where the column is below `valid`, NaN beyond: columns that must not be read.
Fill columns(Fill fill, int64_t width, int64_t valid);

/// Extra elements around one dimension, so that the tensor is a strided slice of a wider one.
struct Padding {
  int dim = -1;  ///< −1: none
  int64_t before = 0, after = 0;
};

enum class Inner : uint8_t { Exact, ActRounded };

/// What the tolerance of a written tensor is derived from: see tests/ops/tolerance.h.
struct Accuracy {
  double terms = 1;      ///< length of the sums on the way to an element, all together
  double growth = 1;     ///< how much a relative error grows afterwards, |s| for exp(s)
  double magnitude = 0;  ///< size of a typical partial result, where a small tensor may lack it
  Inner inner = Inner::Exact;  ///< whether values are rounded to act on the way
  int roundings = 1;           ///< of the result: 2 where it may be stored before its last factor
};

struct TensorSpec {
  std::string name;
  Role role = Role::Input;
  ElementKind kind = ElementKind::Act;
  std::vector<int64_t> shape;
  Fill fill;  ///< of what is read; of a written tensor: the value accumulated onto
  Padding padding;
  std::string alias;  ///< shares the memory of this tensor of equal shape and kind (given before)
  Accuracy accuracy;
};

struct Step {
  using Run = std::function<void(Backend&, const CaseTensors&)>;
  Run stage;  ///< optional: puts the operand of an in-place operation in place; not timed
  Run run;
  Run finish;  ///< optional: brings a result to where it is compared; not timed
  double flops = 0;
  std::vector<std::string> moves;  ///< tensors read or written, once per time, for bytes()

  explicit operator bool() const { return static_cast<bool>(run); }
};

struct OpCase {
  std::string name;    ///< "norm/rmsnorm N=5 C=33 branch", unique
  std::string family;  ///< "norm": the part before the slash, the file it is tested in
  std::vector<TensorSpec> tensors;
  Step forward;
  Step backward;  ///< empty where there is none

  /// nullptr when there is no such tensor.
  const TensorSpec* find(std::string_view tensor) const;
};

DType dtype_of_kind(ElementKind kind, const Precision& precision);
int64_t numel(const TensorSpec& spec);
/// What `step` must move at least, in bytes.
double bytes(const OpCase& c, const Step& step, const Precision& precision);

}  // namespace causeway
