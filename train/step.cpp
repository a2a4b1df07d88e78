// See step.h.
#include "train/step.h"

#include <bit>

namespace causeway {

int lane_levels(int64_t lanes) { return std::countr_zero(static_cast<uint64_t>(lanes)); }

namespace {

/// Neighbouring parameters with the same decay are one range for the optimizer.
std::vector<AdamWSlice> make_slices(const ParamTable& params, const ModelState& state,
                                    double weight_decay) {
  std::vector<AdamWSlice> slices;
  const auto all = params.all();
  for (size_t first = 0; first < all.size();) {
    size_t end = first + 1;
    while (end < all.size() && all[end].is_matrix() == all[first].is_matrix()) ++end;
    const int64_t begin = all[first].offset;
    const int64_t n = (end < all.size() ? all[end].offset : params.flat_size()) - begin;
    slices.push_back({.value = state.values.slice(0, begin, n),
                      .master = state.master ? state.master.slice(0, begin, n) : Tensor{},
                      .m = state.m.slice(0, begin, n),
                      .v = state.v.slice(0, begin, n),
                      .grad = state.grads[0].slice(0, begin, n),
                      .weight_decay = all[first].is_matrix() ? weight_decay : 0});
    first = end;
  }
  return slices;
}

}  // namespace

TrainStep::TrainStep(Backend& ops, Arena& arena, Model& model, ModelState& state,
                     const Config& config, const Precision& precision)
    : ops_(ops),
      arena_(arena),
      model_(model),
      state_(state),
      config_(config),
      precision_(precision),
      B_(config.train.micro_batch_size.value()),
      T_(config.model.block_size),
      micro_batches_(config.train.global_batch_size / B_),
      lanes_(config.train.grad_lanes.value()),
      host_(B_, T_),
      slices_(make_slices(model.params(), state, config.optimizer.weight_decay)) {
  CHECK(static_cast<int>(state.grads.size()) == 1 + lane_levels(lanes_),
        "{} lanes need {} gradient buffers, got {}", lanes_, 1 + lane_levels(lanes_),
        state.grads.size());
  const int64_t flat = model.params().flat_size();
  const auto ids = [&](std::string_view name) { return arena.alloc(name, DType::I32, {B_, T_}); };
  tokens_ = ids("batch.tokens"), targets_ = ids("batch.targets");
  if (config.data.document_mask)
    position_ = ids("batch.position"), segment_start_ = ids("batch.segment_start");
  losses_ = arena.alloc("step.losses", precision_.scalar, {micro_batches_});
  partials_ = arena.alloc("step.norm", precision_.scalar, {(flat + kNormChunk - 1) / kNormChunk});
  scalars_ = arena.alloc("step.scalars", precision_.scalar, {kStepScalars});
}

StepResult TrainStep::run(int64_t step, const Fill& fill, double lr) {
  accumulate_gradients(step, fill);
  return update(step, lr);
}

void TrainStep::accumulate_gradients(int64_t step, const Fill& fill) {
  // Like counting in binary: lane l lands on the stack of partial sums, and every carry adds the
  // two topmost, so that the sums form a balanced tree and log2(L) extra buffers suffice.
  size_t height = 0;
  for (int64_t lane = 0; lane < lanes_; ++lane) {
    sum_lane(step, lane, fill, state_.grads[height++]);
    for (int64_t carry = lane; carry & 1; carry >>= 1) {
      --height;
      ops_.axpby(state_.grads[height - 1], 1, state_.grads[height], 1);
    }
  }
}

void TrainStep::sum_lane(int64_t step, int64_t lane, const Fill& fill, const Tensor& grads) {
  const int64_t per_lane = micro_batches_ / lanes_;
  Context ctx = context(grads);
  for (int64_t i = lane * per_lane; i < (lane + 1) * per_lane; ++i) {
    const int64_t global = step * micro_batches_ + i;
    fill(global, host_);
    load(ctx, host_);
    ctx.micro_batch = static_cast<uint64_t>(global);
    ctx.grad_mode = i == lane * per_lane ? GradMode::Overwrite : GradMode::Accumulate;
    // Training windows have no ignored targets, so every row weighs the same.
    ctx.gradient_scale = 1.0 / static_cast<double>(tokens_per_step());
    model_.forward_backward(ctx, losses_.slice(0, i, 1));
  }
}

StepResult TrainStep::update(int64_t step, double lr) {
  ops_.sum_of_squares(partials_, state_.grads[0]);
  ops_.clip_and_guard(scalars_, partials_, losses_, config_.train.max_grad_norm);
  ops_.adamw({.lr = lr,
              .beta1 = config_.optimizer.betas[0],
              .beta2 = config_.optimizer.betas[1],
              .eps = config_.optimizer.eps,
              .step = step + 1,
              .scalars = scalars_},
             slices_);
  double scalars[kStepScalars] = {};
  ops_.download(scalars, scalars_);  // the step's one synchronisation
  return {.loss = scalars[kLoss] / static_cast<double>(tokens_per_step()),
          .grad_norm = scalars[kGradNorm],
          .finite = scalars[kFinite] != 0};
}

double TrainStep::evaluate(const std::function<void(HostBatch&)>& fill) {
  fill(host_);
  Context ctx = context({});
  ctx.phase = Phase::Eval;
  load(ctx, host_);
  const Tensor total = losses_.slice(0, 0, 1);
  model_.loss(ctx, total);
  double sum = 0;
  ops_.download(&sum, total);
  return sum;
}

Context TrainStep::context(const Tensor& grads) {
  return {.ops = ops_,
          .arena = arena_,
          .params = model_.params(),
          .precision = precision_,
          .values = state_.values,
          .grads = grads,
          .tables = state_.tables.tables,
          .batch = {.B = B_,
                    .T = T_,
                    .tokens = tokens_,
                    .targets = targets_,
                    .position = position_,
                    .segment_start = segment_start_},
          .seed = config_.run.seed};
}

void TrainStep::load(Context& ctx, const HostBatch& batch) {
  ops_.upload(ctx.batch.tokens, batch.tokens.data());
  ops_.upload(ctx.batch.targets, batch.targets.data());
  if (!ctx.batch.position) return;
  ops_.upload(ctx.batch.position, batch.position.data());
  ops_.upload(ctx.batch.segment_start, batch.segment_start.data());
}

}  // namespace causeway
