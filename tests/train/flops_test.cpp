// FLOPs per token against counts made by hand.
#include "train/flops.h"

#include "tests/catch.h"

using namespace causeway;

TEST_CASE("GPT-2 124M has 124.4 M parameters less embeddings and norms in its matmuls") {
  ModelConfig gpt2;
  gpt2.n_layer = 12, gpt2.n_head = 12, gpt2.n_embd = 768, gpt2.block_size = 1024;
  gpt2.vocab_size = 50257;
  // 12 blocks of 12·768², and the tied head of 50257·768.
  CHECK(matmul_parameters(gpt2) == 12 * 12 * 768 * 768 + 50257 * 768);
  CHECK(flops_per_token(gpt2) == 6.0 * 123'532'032 + 6.0 * 12 * 768 * 1024);
}

TEST_CASE("grouped heads, a free head size and swiglu are counted as they are") {
  ModelConfig llama;
  llama.n_layer = 2, llama.n_head = 4, llama.n_kv_head = 2, llama.head_size = 16;
  llama.n_embd = 48, llama.mlp = MlpKind::SwiGlu, llama.intermediate_size = 128;
  llama.block_size = 32, llama.vocab_size = 100, llama.tie_embeddings = false;
  const int64_t query_and_output = 2 * 48 * 64, keys_and_values = 2 * 48 * 32, mlp = 3 * 48 * 128;
  const int64_t parameters = 2 * (query_and_output + keys_and_values + mlp) + 100 * 48;
  CHECK(matmul_parameters(llama) == parameters);
  CHECK(flops_per_token(llama) == 6.0 * static_cast<double>(parameters) + 6.0 * 2 * 64 * 32);
}
