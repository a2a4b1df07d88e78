// See agreement.h.
#include "tests/ops/agreement.h"

#include <algorithm>
#include <cmath>

#include "core/cases/case_tensors.h"
#include "tests/ops/tolerance.h"
#include "tests/reference/backend.h"

#include "tests/catch.h"

namespace causeway {
namespace {

using Values = std::vector<std::pair<const TensorSpec*, std::vector<double>>>;

enum class Part : uint8_t { Forward, Backward };

bool written(Role role, Part part) {
  return part == Part::Forward ? role == Role::Output || role == Role::Saved
                               : role == Role::Gradient;
}

void run(Backend& backend, const Step& step, const CaseTensors& tensors) {
  if (step.stage) step.stage(backend, tensors);
  step.run(backend, tensors);
  if (step.finish) step.finish(backend, tensors);
  backend.synchronize();
}

/// What `part` of the case writes on the exact backend, given `earlier` results.
Values exact_results(const OpCase& c, Part part, const Precision& rounding, const Values& earlier) {
  const auto reference = make_reference_backend(DType::F64);
  CaseTensors t(*reference, c,
                {.precision = Precision::all(DType::F64),
                 .rounding = rounding,
                 .aliasing = Aliasing::Separate});
  for (const auto& [spec, values] : earlier) t.set(spec->name, values);
  run(*reference, part == Part::Forward ? c.forward : c.backward, t);
  Values results;
  for (const TensorSpec& spec : c.tensors)
    if (written(spec.role, part)) results.emplace_back(&spec, t.values(spec.name));
  return results;
}

/// Requires |got − exact| ≤ tolerance for every element, and reports the worst one.
void require_close(const TensorSpec& spec, const Precision& precision,
                   const std::vector<double>& got, const std::vector<double>& exact) {
  double largest = 0, worst = 0;
  size_t at = 0;
  for (double e : exact) largest = std::max(largest, std::abs(e));
  for (size_t i = 0; i < exact.size(); ++i) {
    const double allowed = tolerance(spec, precision, exact[i], largest);
    const double error = std::abs(got[i] - exact[i]);
    const double ratio = error == 0 ? 0 : error / allowed;
    if (!(ratio <= worst)) worst = ratio, at = i;  // a NaN is the worst of all
    if (std::isnan(ratio)) break;
  }
  INFO(spec.name << "[" << at << "] is " << got[at] << ", exactly " << exact[at]
                 << "; error / tolerance:");
  REQUIRE(worst <= 1);
}

/// Read tensors, and whether their memory may be overwritten by an alias.
bool must_stay(const OpCase& c, const TensorSpec& spec, Part part) {
  if (written(spec.role, part) || spec.role == Role::Gradient) return false;
  if (part == Part::Forward && (spec.role == Role::Output || spec.role == Role::Saved))
    return false;
  return std::none_of(c.tensors.begin(), c.tensors.end(), [&](const TensorSpec& other) {
    return other.alias == spec.name || (!spec.alias.empty() && spec.alias == other.name);
  });
}

void require_part(const OpCase& c, Part part, Backend& backend, const Precision& precision,
                  const Values& earlier, const Values& exact) {
  INFO((part == Part::Forward ? "forward" : "backward"));
  CaseTensors t(backend, c, {.precision = precision, .rounding = precision});
  for (const auto& [spec, values] : earlier) t.set(spec->name, values);
  std::vector<std::vector<double>> before;
  for (const TensorSpec& spec : c.tensors) before.push_back(t.values(spec.name));

  run(backend, part == Part::Forward ? c.forward : c.backward, t);

  for (const auto& [spec, values] : exact)
    require_close(*spec, precision, t.values(spec->name), values);
  for (size_t i = 0; i < c.tensors.size(); ++i) {
    const TensorSpec& spec = c.tensors[i];
    INFO(spec.name);
    REQUIRE(t.fence_intact(spec.name));
    if (!must_stay(c, spec, part)) continue;
    const std::vector<double> after = t.values(spec.name);
    const bool same =
        std::equal(after.begin(), after.end(), before[i].begin(),
                   [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); });
    INFO("a tensor that is only read has changed");
    REQUIRE(same);
  }
}

}  // namespace

void require_agreement(const std::vector<OpCase>& cases, const std::vector<NamedBackend>& backends,
                       const std::vector<PrecisionChoice>& precisions) {
  REQUIRE_FALSE(backends.empty());
  for (const OpCase& c : cases)
    for (const PrecisionChoice choice : precisions) {
      const Precision precision = Precision::of(choice);
      INFO(c.name << " in " << dtype_name(precision.act));
      const Values forward = exact_results(c, Part::Forward, precision, {});
      const Values backward =
          c.backward ? exact_results(c, Part::Backward, precision, forward) : Values{};
      for (const NamedBackend& product : backends) {
        INFO(product.name);
        require_part(c, Part::Forward, *product.backend, precision, {}, forward);
        if (c.backward)
          require_part(c, Part::Backward, *product.backend, precision, forward, backward);
      }
    }
}

}  // namespace causeway
