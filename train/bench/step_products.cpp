// See step_products.h.
#include "train/bench/step_products.h"

#include <set>

#include "core/product.h"
#include "train/measure.h"
#include "train/plan.h"

namespace causeway {
namespace {

/// Hears of every product that a step will ask for.
class ProductList final : public Preparation {
 public:
  void prepare(const Matmul& op) override {
    Matmul product = op;
    product.d_bias = {};
    if (op.y.numel() > 0 && names_.insert(product_name(product)).second)
      products.push_back(product);
  }
  size_t scratch_bytes() const override { return 0; }

  std::vector<Matmul> products;

 private:
  std::set<std::string> names_;
};

/// Elements from the first to the last one, those between strided rows included.
int64_t reach(const Tensor& t) {
  int64_t last = 0;
  for (int d = 0; d < t.rank; ++d) last += (t.shape[d] - 1) * t.stride[d];
  return last + 1;
}

}  // namespace

std::vector<Matmul> step_products(const Config& config) {
  Model model(config.model, config.train.recompute);
  ProductList list;
  plan_memory(config, model, &list);
  return list.products;
}

ProductOperands::ProductOperands(Backend& ops, const Matmul& op) : op_(op) {
  for (Tensor* t : {&op_.y, &op_.a, &op_.b, &op_.bias, &op_.pre}) {
    if (!*t) continue;
    const int64_t elements = reach(*t);
    t->data = memory_.emplace_back(ops, elements * dtype_size(t->dtype)).data();
    fill_for_timing(ops, Tensor(t->data, t->dtype, {elements}));
  }
  ops.prepare(op_);
}

}  // namespace causeway
