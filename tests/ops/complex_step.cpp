// See complex_step.h.
#include "tests/ops/complex_step.h"

#include <algorithm>
#include <cmath>
#include <complex>

#include "core/cases/case_tensors.h"
#include "tests/reference/backend.h"

#include "tests/catch.h"

namespace causeway {
namespace {

using Complex = std::complex<double>;
constexpr double kStep = 1e-30;

CaseTensors on(Backend& backend, const OpCase& c, DType dtype) {
  return CaseTensors(backend, c,
                     {.precision = Precision::all(dtype),
                      .rounding = Precision::all(DType::F64),
                      .aliasing = Aliasing::Separate});
}

void run(Backend& backend, const Step& step, const CaseTensors& tensors) {
  if (step.stage) step.stage(backend, tensors);
  step.run(backend, tensors);
  if (step.finish) step.finish(backend, tensors);
}

/// Address of element e; the reference's memory is the host's.
Complex& element(const Tensor& t, int64_t e) {
  int64_t offset = 0;
  for (int d = t.rank - 1; d >= 0; --d) {
    offset += e % t.shape[d] * t.stride[d];
    e /= t.shape[d];
  }
  return t.as<Complex>()[offset];
}

/// d loss / d (whatever was perturbed), after the forward.
double derivative(const OpCase& c, const CaseTensors& z) {
  double sum = 0;
  for (const TensorSpec& spec : c.tensors) {
    const Tensor y = z[spec.name], d_y = z["d_" + spec.name];
    if (spec.role != Role::Output || !d_y) continue;
    for (int64_t e = 0; e < y.numel(); ++e) sum += element(y, e).imag() * element(d_y, e).real();
  }
  return sum / kStep;
}

void require_gradient(const OpCase& c, const TensorSpec& input, Backend& complex,
                      const CaseTensors& z, const std::vector<double>& gradient) {
  INFO("d_" << input.name);
  double worst = 0, largest = 0;
  for (size_t e = 0; e < gradient.size(); ++e) {
    Complex& x = element(z[input.name], int64_t(e));
    const Complex original = x;
    x += Complex(0, kStep);
    run(complex, c.forward, z);
    x = original;
    const double exact = derivative(c, z);
    const double error = std::abs(gradient[e] - exact);
    if (!(error <= worst)) worst = error;  // keeps a NaN
    largest = std::max(largest, std::abs(exact));
  }
  INFO("largest derivative " << largest << ", largest difference:");
  REQUIRE(worst <= 1e-12 * largest);
}

void require_exact_gradients(const OpCase& c) {
  INFO(c.name);
  const auto real = make_reference_backend(DType::F64),
             complex = make_reference_backend(DType::C128);
  const CaseTensors t = on(*real, c, DType::F64), z = on(*complex, c, DType::C128);
  std::vector<std::vector<double>> onto;  // what a gradient was accumulated onto
  for (const TensorSpec& spec : c.tensors) onto.push_back(t.values(spec.name));
  run(*real, c.forward, t);
  run(*real, c.backward, t);
  for (const TensorSpec& input : c.tensors) {
    const TensorSpec* d = c.find("d_" + input.name);
    if (input.role != Role::Input || !d || d->role != Role::Gradient) continue;
    std::vector<double> gradient = t.values(d->name);
    if (d->fill)
      for (size_t e = 0; e < gradient.size(); ++e) gradient[e] -= onto[d - c.tensors.data()][e];
    require_gradient(c, input, *complex, z, gradient);
  }
}

}  // namespace

void require_exact_gradients(const std::vector<OpCase>& cases, int expected) {
  int checked = 0;
  for (const OpCase& c : cases) {
    int64_t elements = 0;
    for (const TensorSpec& spec : c.tensors)
      if (spec.role == Role::Input) elements += numel(spec);
    if (!c.backward || elements > kMaxElements) continue;
    require_exact_gradients(c);
    ++checked;
  }
  REQUIRE(checked >= expected);
}

}  // namespace causeway
