// Combinations that cannot run, each with a remedy that works; and what `auto` becomes.
#include "core/config_validate.h"

#include "tests/core/config_check.h"

using namespace causeway;
using namespace causeway::test;
using Catch::Contains;
using Catch::Equals;
using Catch::StartsWith;

TEST_CASE("a run has exactly one length") {
  CHECK_THAT(error_of("data: {source: a}\n"),
             Equals("error[config.length] t.yaml: the length of the run is missing\n  write one of "
                    "train: max_steps, max_tokens, max_epochs; e.g. train: {max_steps: 2000}"));
  CHECK_THAT(
      error_of("data: {source: a}\ntrain:\n  max_steps: 5\n  max_epochs: 1\n"),
      Equals("error[config.length] t.yaml:4:3: max_steps and max_epochs are both given, but a "
             "run has one length\n  remove one of them; max_steps is set at t.yaml:3:3"));
  CHECK(error_of("data: {source: a}\ntrain: {max_epochs: 0.5}\n") == "loaded");
  CHECK(error_of("data: {source: a}\ntrain: {max_tokens: 10G}\n") == "loaded");
}

TEST_CASE("data and a usable name are needed") {
  CHECK_THAT(error_of("train: {max_steps: 1}\n"),
             StartsWith("error[config.missing_key] t.yaml: data.source is missing"));
  for (const char* name : {"a/b", "..", ".", "\"\\n\""})
    CHECK_THAT(error_of(with("run: {name: " + std::string(name) + "}\n")),
               StartsWith("error[config.run_name] t.yaml:3:7: run.name "));
}

TEST_CASE("heads fit the width, key and value heads the heads") {
  CHECK_THAT(error_of(with("model: {n_head: 5}\n")),
             Equals("error[config.heads] t.yaml:3:9: n_head 5 does not divide n_embd 128\n"
                    "  use n_embd: 130 or n_head: 4, or set head_size"));
  CHECK(error_of(with("model: {n_head: 5, head_size: 16}\n")) == "loaded");
  CHECK_THAT(error_of(with("model: {n_kv_head: 3}\n")),
             Equals("error[config.heads] t.yaml:3:9: n_kv_head 3 does not divide n_head 4\n"
                    "  use n_kv_head: 2"));
  CHECK_THAT(error_of(with("model: {n_kv_head: 8}\n")), Contains("use n_kv_head: 4"));
}

TEST_CASE("positions need what they turn to be even, windows to fit") {
  CHECK_THAT(error_of(with("model: {position: rope, head_size: 15}\n")),
             StartsWith("error[config.heads] t.yaml:3:25: rope turns pairs of numbers") &&
                 Contains("use head_size: 16, or position: learned"));
  CHECK_THAT(error_of(with("model: {position: rope, n_embd: 100, n_head: 4}\n")),
             StartsWith("error[config.heads] t.yaml:3:38: "));
  CHECK_THAT(error_of(with("model: {position: sinusoidal, n_embd: 127, n_head: 1}\n")),
             Contains("use n_embd: 128"));
  CHECK_THAT(error_of(with("model: {sliding_window: 65}\n")),
             StartsWith("error[config.sliding_window] t.yaml:3:9: ") &&
                 Contains("use sliding_window: 32, or 0"));
  CHECK(error_of(with("model: {sliding_window: 64}\n")) == "loaded");
}

TEST_CASE("cuDNN's attention is refused what it lacks, at the key that asks for it") {
  const std::string cudnn =
      "data: {source: a.txt}\ntrain: {max_steps: 10, attention_kernel: cudnn, precision: bf16}\n";
  CHECK(error_of(cudnn) == "loaded");
  CHECK(error_of(cudnn + "model: {sliding_window: 9, n_kv_head: 2}\n") == "loaded");
  CHECK_THAT(error_of(cudnn + "device: cpu\n"),
             Equals("error[config.attention_kernel] t.yaml:2:24: cuDNN's attention runs on GPUs, "
                    "but device is cpu\n  use train.attention_kernel: own, or device: cuda"));
  CHECK_THAT(error_of(cudnn, {"train.precision=fp32"}),
             Contains("computes in bf16, but train.precision is fp32\n  use "
                      "train.attention_kernel: own, or train.precision: bf16"));
  CHECK_THAT(error_of(cudnn + "model: {head_size: 20}\n"),
             Equals("error[config.attention_kernel] t.yaml:3:9: cuDNN's attention takes heads of "
                    "whole 8s, but the head size is 20\n  use train.attention_kernel: own"));
  const std::pair<const char*, const char*> lacking[] = {
      {"model.attention_softcap=5", "no softcap"},
      {"model.position=alibi", "no ALiBi"},
      {"data.document_mask=true", "no document masks"}};
  for (const auto& [setting, lack] : lacking)
    CHECK_THAT(error_of(cudnn, {setting}),
               StartsWith("error[config.attention_kernel] ") && Contains(lack));
}

TEST_CASE("only bf16 can do without master weights") {
  CHECK_THAT(error_of("data: {source: a}\ntrain: {max_steps: 1, master_weights: false}\n"),
             Equals("error[config.master_weights] t.yaml:2:23: master_weights: false needs "
                    "precision: bf16; fp32 parameters are their own masters\n"
                    "  use precision: bf16, or remove master_weights"));
  CHECK(error_of("data: {source: a}\ntrain: {max_steps: 1, precision: bf16, master_weights: "
                 "false}\n") == "loaded");
}

TEST_CASE("batches and lanes divide") {
  CHECK_THAT(error_of("data: {source: a}\ntrain: {max_steps: 1, micro_batch_size: 5}\n"),
             Equals("error[config.batch] t.yaml:2:23: micro_batch_size 5 does not divide "
                    "global_batch_size 12\n  use micro_batch_size: 4 or global_batch_size: 15"));
  const std::string lanes = "data: {source: a}\ntrain: {max_steps: 1, micro_batch_size: 1, ";
  CHECK_THAT(error_of(lanes + "grad_lanes: 3}\n"),
             Equals("error[config.batch] t.yaml:2:44: grad_lanes 3 is not a power of two\n"
                    "  use grad_lanes: 2, or auto"));
  CHECK_THAT(error_of(lanes + "grad_lanes: 8}\n"),
             Contains("grad_lanes 8 does not divide the 12 micro-batches of a step\n"
                      "  use grad_lanes: 4, or auto"));
  CHECK(error_of(lanes + "grad_lanes: 4}\n") == "loaded");
}

TEST_CASE("the schedule fits the run") {
  CHECK_THAT(error_of(with("schedule: {min_lr: 0.01}\n")),
             Equals("error[config.schedule] t.yaml:3:12: min_lr 0.01 is above optimizer.lr 0.001\n"
                    "  a tenth of the peak is usual: min_lr: 0.0001"));
  CHECK_THAT(error_of(with("schedule: {warmup_steps: 11}\n")),
             Contains("warmup_steps 11 is longer than the run of 10 steps\n  use warmup_steps: 0"));
  CHECK(error_of(with("schedule: {warmup_steps: 10}\n")) == "loaded");
  // 7680 tokens are 10 steps of 12 · 64.
  const std::string tokens = "data: {source: a}\ntrain: {max_tokens: 7680}\n";
  CHECK(error_of(tokens + "schedule: {warmup_steps: 10}\n") == "loaded");
  CHECK_THAT(error_of(tokens + "schedule: {warmup_steps: 11}\n"), Contains("the run of 10 steps"));
  CHECK_THAT(error_of(with("schedule: {warmup_steps: 8, decay_steps: 4}\n")),
             Contains("decay_steps 4 ends before the warm-up of 8 steps"));
  CHECK_THAT(
      error_of(with("schedule: {kind: wsd, warmup_steps: 8, decay_steps: 4}\n")),
      Contains("warm-up 8 and final decay 4 do not fit into 10 steps\n  use decay_steps: 1"));
}

TEST_CASE("auto values that need no data are resolved by rule") {
  Config c = load_config_text(with("model: {n_embd: 288, n_head: 6, mlp: swiglu}\n"), "t");
  resolve(c);
  CHECK(c.model.n_kv_head == 6);
  CHECK(c.model.head_size == 48);
  CHECK(c.model.intermediate_size == 768);
  CHECK(c.train.micro_batch_size == 12);
  CHECK(c.train.grad_lanes == 1);
  CHECK_FALSE(c.model.vocab_size.has_value());
  CHECK_FALSE(c.schedule.decay_steps.has_value());
  CHECK_FALSE(c.eval.batches.has_value());
  CHECK_NOTHROW(validate(c));

  CHECK(auto_micro_batch_size(512, 1024) == 8);
  CHECK(auto_micro_batch_size(12, 1024) == 6);
  CHECK(auto_micro_batch_size(13, 1024) == 1);
  CHECK(auto_micro_batch_size(12, 8192) == 1);
  CHECK(auto_micro_batch_size(12, 100000) == 1);
  CHECK(auto_grad_lanes(1) == 1);
  CHECK(auto_grad_lanes(12) == 4);
  CHECK(auto_grad_lanes(64) == 8);
}
