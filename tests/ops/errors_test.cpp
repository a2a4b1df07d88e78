// What every operation says when its arguments disagree: an id that names it, and words that state
// what was expected and what came. See core/ops_check.h.
#include <functional>

#include "tests/ops/agreement.h"
#include "tests/reference/backend.h"

#include "tests/catch.h"

namespace causeway {
namespace {

/// Tensors for calls that must be refused before they touch memory: addresses of nothing.
Tensor of(DType dtype, std::initializer_list<int64_t> shape) {
  static char nothing[64];
  return Tensor(nothing, dtype, shape);
}
Tensor f32(std::initializer_list<int64_t> shape) { return of(DType::F32, shape); }
Tensor f64(std::initializer_list<int64_t> shape) { return of(DType::F64, shape); }
Tensor i32(std::initializer_list<int64_t> shape) { return of(DType::I32, shape); }

struct Wrong {
  std::string op;        ///< expects id "op.<op>" and text "[<op>] expected"
  std::string expected;  ///< a part of the text
  std::string got;       ///< another
  std::function<void(Backend&)> call;
};

std::vector<Wrong> wrong_matmuls() {
  return {
      {"matmul", "a (M, K) and b (N, K)", "b f32 (4, 6)",
       [](Backend& b) {
         b.matmul(
             {.y = f32({3, 4}), .a = f32({3, 5}), .b = f32({4, 6}), .b_transpose = Transpose::Yes});
       }},
      {"matmul", "a depth K of at least one", "a f32 (3, 0)",
       [](Backend& b) {
         b.matmul({.y = f32({3, 4}), .a = f32({3, 0}), .b = f32({0, 4})});
       }},
      {"matmul", "y (M, N)", "y f32 (3, 5)",
       [](Backend& b) {
         b.matmul({.y = f32({3, 5}), .a = f32({3, 5}), .b = f32({5, 4})});
       }},
      {"matmul", "bias (N)", "bias f32 (3)",
       [](Backend& b) {
         b.matmul({.y = f32({3, 4}), .a = f32({3, 5}), .b = f32({5, 4}), .bias = f32({3})});
       }},
      {"matmul", "neither bias nor epilogue with GradMode::Accumulate", "",
       [](Backend& b) {
         b.matmul({.y = f32({3, 4}),
                   .a = f32({3, 5}),
                   .b = f32({5, 4}),
                   .mode = GradMode::Accumulate,
                   .bias = f32({4})});
       }},
      {"matmul", "pre (M, N)", "pre absent",
       [](Backend& b) {
         b.matmul(
             {.y = f32({3, 4}), .a = f32({3, 5}), .b = f32({5, 4}), .epilogue = Epilogue::Gelu});
       }},
      {"matmul", "a and b of one activation dtype", "b bf16",
       [](Backend& b) {
         b.matmul({.y = f32({3, 4}), .a = f32({3, 5}), .b = of(DType::BF16, {5, 4})});
       }},
      {"matmul", "y in the dtype of a when there is a bias", "",
       [](Backend& b) {
         b.matmul({.y = f32({3, 4}),
                   .a = of(DType::BF16, {3, 5}),
                   .b = of(DType::BF16, {5, 4}),
                   .bias = of(DType::BF16, {4})});
       }},
      {"matmul", "d_bias (M)", "d_bias f32 (4)",
       [](Backend& b) {
         b.matmul({.y = f32({3, 4}), .a = f32({3, 5}), .b = f32({5, 4}), .d_bias = f32({4})});
       }},
  };
}

std::vector<Wrong> wrong_norms() {
  return {
      {"norm_forward", "weight (C)", "weight f32 (5)",
       [](Backend& b) {
         b.norm_forward({.y = f32({2, 4}),
                         .mean = f32({2}),
                         .rstd = f32({2}),
                         .x = f32({2, 4}),
                         .weight = f32({5})});
       }},
      {"norm_forward", "no bias for RmsNorm", "",
       [](Backend& b) {
         b.norm_forward({.kind = NormKind::RmsNorm,
                         .y = f32({2, 4}),
                         .rstd = f32({2}),
                         .x = f32({2, 4}),
                         .weight = f32({4}),
                         .bias = f32({4})});
       }},
      {"norm_forward", "sum exactly when there is a branch", "",
       [](Backend& b) {
         b.norm_forward({.y = f32({2, 4}),
                         .mean = f32({2}),
                         .rstd = f32({2}),
                         .sum = f32({2, 4}),
                         .x = f32({2, 4}),
                         .weight = f32({4})});
       }},
      {"norm_backward", "d_x and d_y", "d_y f32 (3, 4)",
       [](Backend& b) {
         b.norm_backward({.d_x = f32({2, 4}),
                          .d_weight = f32({4}),
                          .d_y = f32({3, 4}),
                          .x = f32({2, 4}),
                          .mean = f32({2}),
                          .rstd = f32({2}),
                          .weight = f32({4})});
       }},
  };
}

AttentionForward attention(int64_t heads, int64_t kv_heads, int64_t queries, int64_t keys) {
  return {.o = f32({1, queries, heads, 8}),
          .lse = f32({1, heads, queries}),
          .q = f32({1, queries, heads, 8}),
          .k = f32({1, keys, kv_heads, 8}),
          .v = f32({1, keys, kv_heads, 8})};
}

std::vector<Wrong> wrong_attentions() {
  return {
      {"attention_forward", "K to divide H", "q f32 (1, 4, 3, 8)",
       [](Backend& b) { b.attention_forward(attention(3, 2, 4, 4)); }},
      {"attention_forward", "at least as many keys as queries", "k f32 (1, 3, 2, 8)",
       [](Backend& b) { b.attention_forward(attention(2, 2, 4, 3)); }},
      {"attention_forward", "segment_start (B, Tq) i32", "segment_start f32 (1, 4)",
       [](Backend& b) {
         AttentionForward op = attention(2, 2, 4, 4);
         op.options.segment_start = f32({1, 4});
         b.attention_forward(op);
       }},
      {"attention_backward", "as many queries as keys", "k f32 (1, 5, 2, 8)",
       [](Backend& b) {
         const AttentionForward f = attention(2, 2, 4, 5);
         b.attention_backward({.d_q = f.q,
                               .d_k = f.k,
                               .d_v = f.v,
                               .d_o = f.o,
                               .q = f.q,
                               .k = f.k,
                               .v = f.v,
                               .o = f.o,
                               .lse = f.lse});
       }},
  };
}

std::vector<Wrong> wrong_rows() {
  return {
      {"embedding_forward", "wte (V, C)", "wte f32 (9, 5)",
       [](Backend& b) {
         b.embedding_forward(f32({6, 4}), i32({2, 3}), f32({9, 5}), {}, {});
       }},
      {"embedding_forward", "wpe with a row for every position", "wpe f32 (2, 4)",
       [](Backend& b) {
         b.embedding_forward(f32({6, 4}), i32({2, 3}), f32({9, 4}), f32({2, 4}), {});
       }},
      {"embedding_backward", "d_wte (V, C)", "d_wte f32 (9, 5)",
       [](Backend& b) {
         b.embedding_backward({.d_wte = f32({9, 5}), .d_y = f32({6, 4}), .tokens = i32({2, 3})});
       }},
      {"rope", "even D", "x f32 (1, 2, 1, 3)",
       [](Backend& b) {
         b.rope(f32({1, 2, 1, 3}), f32({2, 3}), {}, RopeDirection::Forward);
       }},
      {"rope", "a table row for every position", "table f32 (1, 4)",
       [](Backend& b) {
         b.rope(f32({1, 2, 1, 4}), f32({1, 4}), {}, RopeDirection::Forward);
       }},
      {"activation_forward", "y (N, F) and x (N, 2F)", "x f32 (2, 3)",
       [](Backend& b) {
         b.activation_forward(Activation::SwiGlu, f32({2, 3}), f32({2, 3}));
       }},
      {"activation_backward", "d_y, x and d_x (N, F)", "d_y f32 (2, 4)",
       [](Backend& b) {
         b.activation_backward(Activation::Gelu, f32({2, 3}), f32({2, 4}), f32({2, 3}));
       }},
      {"dropout", "0 <= p < 1", "",
       [](Backend& b) {
         b.dropout(f32({2, 3}), f32({2, 3}), 1, RandomStream{});
       }},
      {"cross_entropy", "vocab_size between 1 and the columns of logits", "logits f32 (2, 8)",
       [](Backend& b) {
         b.cross_entropy(
             {.loss = f32({2}), .logits = f32({2, 8}), .targets = i32({2}), .vocab_size = 9});
       }},
      {"copy", "dst and src of one shape", "src f32 (4)",
       [](Backend& b) { b.copy(f32({3}), f32({4})); }},
  };
}

std::vector<Wrong> wrong_steps() {
  return {
      {"sum", "out (1) f64", "out f32 (1)", [](Backend& b) { b.sum(f32({1}), f32({5})); }},
      {"sum_of_squares", "one element per kNormChunk", "partials f64 (2)",
       [](Backend& b) { b.sum_of_squares(f64({2}), f32({5})); }},
      {"clip_and_guard", "scalars (kStepScalars) f64", "scalars f64 (3)",
       [](Backend& b) { b.clip_and_guard(f64({3}), f64({1}), f64({1}), 1); }},
      {"adamw", "an f32 master only when value is bf16", "master f32 (5)",
       [](Backend& b) {
         const AdamWSlice slice{
             .value = f32({5}), .master = f32({5}), .m = f32({5}), .v = f32({5}), .grad = f32({5})};
         b.adamw({.scalars = f64({kStepScalars})}, {&slice, 1});
       }},
      {"adamw", "an offset in multiples of 4", "value bf16 (5)",
       [](Backend& b) {
         const AdamWSlice slice{.value = of(DType::BF16, {5}),
                                .m = f32({5}),
                                .v = f32({5}),
                                .grad = f32({5}),
                                .offset = 6};
         b.adamw({.scalars = f64({kStepScalars})}, {&slice, 1});
       }},
      {"adamw", "a step of at least 1", "",
       [](Backend& b) { b.adamw({.step = 0, .scalars = f64({kStepScalars})}, {}); }},
      {"axpby", "y and x of one shape", "y f32 (4)",
       [](Backend& b) { b.axpby(f32({4}), 1, f32({5}), 0); }},
      {"cast", "y and x of one shape", "x i32 (4)", [](Backend& b) { b.cast(f32({4}), i32({4})); }},
  };
}

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e;
  }
  return Error({.id = "none", .what = "nothing was thrown"});
}

void require_refused(Backend& backend, const std::vector<Wrong>& calls) {
  for (const Wrong& wrong : calls) {
    const Error e = error_of([&] { wrong.call(backend); });
    INFO(backend.name() << ": " << e.what());
    REQUIRE(e.id() == "op." + wrong.op);
    REQUIRE_THAT(e.info().what, Catch::StartsWith("[" + wrong.op + "] expected "));
    REQUIRE_THAT(e.info().what, Catch::Contains(wrong.expected) && Catch::Contains(wrong.got));
    REQUIRE(e.exit_code() == ExitCode::Internal);
  }
}

}  // namespace

TEST_CASE("every operation refuses arguments that disagree, in words that show them", "[ops]") {
  const auto exact = make_reference_backend(DType::F64),
             complex = make_reference_backend(DType::C128);
  std::vector<Backend*> backends = {exact.get(), complex.get()};
  for (const NamedBackend& product : product_backends()) backends.push_back(product.backend.get());
  for (Backend* backend : backends)
    for (const auto& calls :
         {wrong_matmuls(), wrong_norms(), wrong_attentions(), wrong_rows(), wrong_steps()})
      require_refused(*backend, calls);
}

TEST_CASE("a dtype that a backend does not compute in is refused by name, not converted", "[ops]") {
  const auto refused = [](Backend& backend, DType dtype) {
    const Error e = error_of([&] {
      const Tensor x = of(dtype, {1, 1});
      backend.activation_forward(Activation::Gelu, x, x);
    });
    INFO(backend.name() << ": " << e.what());
    REQUIRE(e.id() == "op.unsupported");
    REQUIRE_THAT(e.info().what, Catch::Contains(std::string(dtype_name(dtype))));
  };
  refused(*make_reference_backend(DType::F64), DType::F32);
  refused(*make_reference_backend(DType::C128), DType::F64);
  for (const NamedBackend& product : product_backends()) {
    refused(*product.backend, DType::F64);
    refused(*product.backend, DType::C128);
  }
}

}  // namespace causeway
