// See step.h.
#include "train/step.h"

#include <bit>

namespace causeway {

int lane_levels(int64_t lanes) { return std::countr_zero(static_cast<uint64_t>(lanes)); }

ModelState make_training_state(Backend& ops, const Model& model, const Config& config,
                               const Communicator& comm, const Precision& precision) {
  return ModelState(ops, model.config(), model.params(), precision,
                    1 + lane_levels(config.train.grad_lanes.value() / comm.size()),
                    OwnedParts(Buckets(model.params(), comm.size()).owned(comm.rank())),
                    config.train.master_weights ? Masters::Kept : Masters::None);
}

namespace {

/// What this rank's optimizer updates. Neighbouring parameters with the same decay are one range.
std::vector<AdamWSlice> make_slices(const ParamTable& params, const ModelState& state,
                                    double weight_decay) {
  std::vector<AdamWSlice> slices;
  const auto all = params.all();
  for (size_t first = 0; first < all.size();) {
    size_t end = first + 1;
    while (end < all.size() && all[end].is_matrix() == all[first].is_matrix()) ++end;
    const Range same{all[first].offset, end < all.size() ? all[end].offset : params.flat_size()};
    state.owned.visit(same, [&](const Range& range, int64_t local) {
      const auto kept = [&](const Tensor& t) { return t.slice(0, local, range.size()); };
      slices.push_back({.value = part(state.values, range),
                        .master = state.master ? kept(state.master) : Tensor{},
                        .m = kept(state.m),
                        .v = kept(state.v),
                        .grad = part(state.grads[0], range),
                        .weight_decay = all[first].is_matrix() ? weight_decay : 0,
                        .offset = range.begin});
    });
    first = end;
  }
  return slices;
}

}  // namespace

TrainStep::TrainStep(Backend& ops, Communicator& comm, Arena& arena, Model& model,
                     ModelState& state, const Config& config, const Precision& precision)
    : ops_(ops),
      comm_(comm),
      arena_(arena),
      model_(model),
      state_(state),
      config_(config),
      precision_(precision),
      B_(config.train.micro_batch_size.value()),
      T_(config.model.block_size),
      micro_batches_(config.train.global_batch_size / B_),
      lanes_(config.train.grad_lanes.value() / comm.size()),
      host_(B_, T_),
      buckets_(model.params(), comm.size()),
      slices_(make_slices(model.params(), state, config.optimizer.weight_decay)),
      exchange_(ops, comm, buckets_, arena, precision.grad),
      bucket_done_([this](int bucket) { finish_bucket(bucket); }) {
  CHECK(lanes_ * comm.size() == config.train.grad_lanes, "{} lanes for {} ranks",
        *config.train.grad_lanes, comm.size());
  CHECK(static_cast<int>(state.grads.size()) == 1 + lane_levels(lanes_),
        "{} lanes need {} gradient buffers, got {}", lanes_, 1 + lane_levels(lanes_),
        state.grads.size());
  const auto ids = [&](std::string_view name) { return arena.alloc(name, DType::I32, {B_, T_}); };
  tokens_ = ids("batch.tokens"), targets_ = ids("batch.targets");
  if (config.data.document_mask)
    position_ = ids("batch.position"), segment_start_ = ids("batch.segment_start");
  losses_ = arena.alloc("step.losses", precision_.scalar, {micro_batches_});
  partials_ = arena.alloc("step.norm", precision_.scalar,
                          {chunks_of({0, model.params().flat_size()}).size()});
  scalars_ = arena.alloc("step.scalars", precision_.scalar, {kStepScalars});
}

StepResult TrainStep::run(int64_t step, const Fill& fill, double lr) {
  step_ = step;
  say(Activity::Computing);
  accumulate_gradients(step, fill);
  say(Activity::Exchanging);
  exchange_.finish(state_.grads[0]);
  say(Activity::Updating);
  update(step, lr);
  return read_result();
}

void TrainStep::accumulate_gradients(int64_t step, const Fill& fill) {
  // Like counting in binary: lane l lands on the stack of partial sums, and every carry adds the
  // two topmost, so that the sums form a balanced tree and log2(lanes) extra buffers suffice. The
  // last lane's carries are done bucket by bucket, in finish_bucket.
  int64_t height = 0;
  for (int64_t lane = 0; lane + 1 < lanes_; ++lane) {
    sum_lane(step, lane, fill, state_.grads[height++]);
    for (int64_t carry = lane; carry & 1; carry >>= 1) {
      --height;
      ops_.axpby(state_.grads[height - 1], 1, state_.grads[height], 1);
    }
  }
  sum_lane(step, lanes_ - 1, fill, state_.grads[height]);
}

void TrainStep::finish_bucket(int bucket) {
  const Range range = buckets_.whole(bucket);
  for (int sum = lane_levels(lanes_); sum > 0; --sum)
    ops_.axpby(part(state_.grads[sum - 1], range), 1, part(state_.grads[sum], range), 1);
  if (comm_.size() > 1) say(Activity::Computing, bucket);
  exchange_.start(bucket, state_.grads[0]);
  comm_.progress();
}

void TrainStep::sum_lane(int64_t step, int64_t lane, const Fill& fill, const Tensor& grads) {
  const int64_t per_lane = micro_batches_ / (lanes_ * comm_.size());
  const int64_t first = (comm_.rank() * lanes_ + lane) * per_lane;
  Context ctx = context(grads);
  for (int64_t i = first; i < first + per_lane; ++i) {
    const int64_t global = step * micro_batches_ + i;
    fill(global, host_);
    load(ctx, host_);
    ctx.micro_batch = static_cast<uint64_t>(global);
    ctx.grad_mode = i == first ? GradMode::Overwrite : GradMode::Accumulate;
    // Training windows have no ignored targets, so every row weighs the same.
    ctx.gradient_scale = 1.0 / static_cast<double>(tokens_per_step());
    const bool last = lane + 1 == lanes_ && i + 1 == first + per_lane;
    if (last) ctx.bucket_done = &bucket_done_;
    const auto compute = [&] { model_.forward_backward(ctx, losses_.slice(0, i, 1)); };
    if (last && comm_.size() > 1)  // the ranks' exchange on the way is no part of a graph
      compute();
    else
      as_graph(fmt::format("micro-batch, first {}, last {}", i == first, last), compute);
    say(Activity::Computing);
  }
}

void TrainStep::update(int64_t step, double lr) {
  as_graph("norm", [&] {
    for (int b = 0; b < buckets_.count(); ++b) {
      const Range mine = buckets_.piece(b, comm_.rank());
      if (!mine.empty())
        ops_.sum_of_squares(part(partials_, chunks_of(mine)), part(state_.grads[0], mine));
    }
  });
  say(Activity::Sharing);
  share_scalars();
  say(Activity::Updating);
  as_graph("optimizer", [&] {
    ops_.clip_and_guard(scalars_, partials_, losses_, config_.train.max_grad_norm);
    ops_.adamw({.lr = lr,
                .beta1 = config_.optimizer.betas[0],
                .beta2 = config_.optimizer.betas[1],
                .eps = config_.optimizer.eps,
                .step = step + 1,
                .scalars = scalars_,
                .seed = config_.run.seed},
               slices_);
  });
  say(Activity::Sharing);
  for (int b = 0; b < buckets_.count(); ++b) comm_.start_share(state_.values, buckets_.pieces(b));
  comm_.finish();
}

void TrainStep::as_graph(std::string_view name, const std::function<void()>& work) {
  const bool first_time = done_.emplace(name).second;
  if (config_.train.cuda_graph && !first_time) return ops_.run_graph(name, work);
  work();
}

void TrainStep::share_scalars() {
  // Every rank reads all losses and partial sums and comes to the same norm, clip and verdict.
  std::vector<Range> losses;
  const int64_t per_rank = micro_batches_ / comm_.size();
  for (int r = 0; r < comm_.size(); ++r) losses.push_back({r * per_rank, (r + 1) * per_rank});
  comm_.start_share(losses_, losses);
  for (int b = 0; b < buckets_.count(); ++b) {
    std::vector<Range> chunks;
    for (const Range& piece : buckets_.pieces(b)) chunks.push_back(chunks_of(piece));
    comm_.start_share(partials_, chunks);
  }
  comm_.finish();
}

StepResult TrainStep::read_result() {
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

void TrainStep::say(Activity activity, int bucket) const {
  if (progress_) progress_->beat(activity, step_ + 1, bucket);
}

}  // namespace causeway
