// See op_case.h.
#include "core/cases/op_case.h"

#include <cmath>
#include <limits>

namespace causeway {

Fill normal(double std, double mean) {
  // Box and Muller 1958: two uniforms make one normal.
  return [std, mean](const RandomStream& stream, int64_t e) {
    const double u = uniform(random_bits(stream, 2 * e)),
                 v = uniform(random_bits(stream, 2 * e + 1));
    return mean + std * std::sqrt(-2 * std::log(u)) * std::cos(2 * std::acos(-1.0) * v);
  };
}

Fill integers(int64_t low, int64_t high) {
  return [low, high](const RandomStream& stream, int64_t e) {
    return double(low) + std::floor(uniform(random_bits(stream, e)) * double(high - low));
  };
}

Fill constant(double value) {
  return [value](const RandomStream&, int64_t) { return value; };
}

Fill columns(Fill fill, int64_t width, int64_t valid) {
  return [fill = std::move(fill), width, valid](const RandomStream& stream, int64_t e) {
    return e % width < valid ? fill(stream, e) : std::numeric_limits<double>::quiet_NaN();
  };
}

const TensorSpec* OpCase::find(std::string_view tensor) const {
  for (const TensorSpec& spec : tensors)
    if (spec.name == tensor) return &spec;
  return nullptr;
}

DType dtype_of_kind(ElementKind kind, const Precision& precision) {
  switch (kind) {
    case ElementKind::Act:
      return precision.act;
    case ElementKind::Stat:
      return precision.stat;
    case ElementKind::Grad:
      return precision.grad;
    case ElementKind::Scalar:
      return precision.scalar;
    case ElementKind::Int:
      break;
  }
  return DType::I32;
}

int64_t numel(const TensorSpec& spec) {
  int64_t n = 1;
  for (int64_t extent : spec.shape) n *= extent;
  return n;
}

double bytes(const OpCase& c, const Step& step, const Precision& precision) {
  double total = 0;
  for (const std::string& name : step.moves) {
    const TensorSpec* spec = c.find(name);
    CHECK(spec, "case {} moves {}, which it lacks", c.name, name);
    total += double(numel(*spec)) * double(dtype_size(dtype_of_kind(spec->kind, precision)));
  }
  return total;
}

}  // namespace causeway
