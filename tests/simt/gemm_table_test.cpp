// The table of measured algorithms, and how its rows are made: the parts of cuda/ that decide, with
// the emulated library of host_matmul.cpp in place of cuBLASLt. Read next: cuda/gemm_table.h,
// tune.h.
#include "core/buffer.h"
#include "core/product.h"
#include "cuda/tune.h"
#include "tests/error_of.h"

#include "tests/catch.h"

namespace causeway::cuda {
namespace {

const GemmKey kKey{"NVIDIA H200", "cuBLASLt 13.0.2", "64x32x16 nt bf16>bf16 16,16,32 bias"};
const GemmAlgorithm kAlgorithm{1, 2, 3, 4, 5, 6, 7, 0xfedcba9876543210};

}  // namespace

TEST_CASE("the committed table of measured products can be read", "[gemm]") {
  CHECK_NOTHROW(committed_gemm_table());
}

TEST_CASE("a row comes back from the table for its GPU, library and product alone", "[gemm]") {
  GemmKey other = kKey;
  other.product += " accumulate";
  const GemmTable table(
      "# words\n\n" + gemm_row(kKey, kAlgorithm) + "\n" + gemm_row(other, {9}) + "\n", "t");
  REQUIRE(table.size() == 2);
  REQUIRE(table.find(kKey));
  CHECK(*table.find(kKey) == kAlgorithm);
  CHECK(*table.find(other) == GemmAlgorithm{9});
  for (std::string GemmKey::*part : {&GemmKey::gpu, &GemmKey::library, &GemmKey::product}) {
    GemmKey wrong = kKey;
    wrong.*part += "1";
    CHECK(table.find(wrong) == nullptr);
  }
}

TEST_CASE("a line that is no row is refused with its number", "[gemm]") {
  const std::string row = gemm_row(kKey, kAlgorithm);
  const auto refused = [](const std::string& text, const std::string& where,
                          const std::string& what) {
    const ErrorInfo error = test::error_of([&] { GemmTable(text, "t.tsv"); });
    CHECK(error.id == "device.gemm_table");
    CHECK(error.where == where);
    CHECK_THAT(error.what, Catch::Contains(what));
  };
  refused("# words\nno tabs\n", "t.tsv:2", "expected 4 parts with tabs between them, got 1");
  refused(row + "\t\n", "t.tsv:1", "got 5");
  refused(row + "0\n", "t.tsv:1", "eight words of 16 hexadecimal digits");
  refused(row.substr(0, row.size() - 1) + "g\n", "t.tsv:1", "eight words");
  refused(row.substr(0, row.rfind(' ')) + "\n", "t.tsv:1", "eight words");
  refused(row.substr(row.find('\t')) + "\n", "t.tsv:1", "a GPU");
  refused(row + "\n" + row + "\n", "t.tsv:2", "a second row for " + kKey.product);
}

TEST_CASE("a product's name tells apart all that an algorithm may depend on", "[gemm]") {
  std::array<uint16_t, 128> numbers{};  // only addresses are looked at
  const Tensor memory(numbers.data(), DType::BF16, {128});
  Matmul op{.y = memory.slice(0, 0, 8).view({2, 4}),
            .a = memory.slice(0, 64, 6).view({2, 3}),
            .b = memory.slice(0, 96, 12).view({4, 3}),
            .b_transpose = Transpose::Yes};
  CHECK(product_name(op) == "2x4x3 nt bf16>bf16 3,3,4");
  op.bias = memory.slice(0, 0, 4);
  op.epilogue = Epilogue::Gelu;
  op.pre = memory.slice(0, 0, 8).view({2, 4});
  CHECK(product_name(op) == "2x4x3 nt bf16>bf16 3,3,4 bias gelu 4");
  const Matmul gradient{.y = Tensor(numbers.data(), DType::F32, {3, 4}),
                        .a = memory.slice(0, 0, 6).view({2, 3}),
                        .b = memory.slice(0, 0, 8).view({2, 4}),
                        .a_transpose = Transpose::Yes,
                        .mode = GradMode::Accumulate};
  CHECK(product_name(gradient) == "3x4x2 tn bf16>f32 3,4,4 accumulate");
  CHECK(product_flops(gradient) == 2 * 3 * 4 * 2);
}

TEST_CASE("the fastest algorithm is that of the smallest median, if it is worth a row", "[gemm]") {
  CHECK(fastest({{3, 3, 9}, {2, 2.1, 8}, {2.2, 2.2, 0}}) == 1);
  CHECK(fastest({{1, 1, 1}, {0.99, 0.99, 0.99}}) == 0);
  CHECK(fastest({{1, 1, 1}, {0.97, 5, 0.97}}) == 1);
  CHECK(fastest({{1}}) == 0);
}

TEST_CASE("tuning leaves out what the library refuses, and writes a row that the table finds",
          "[gemm]") {
  const auto ops = make_cuda_backend();
  const Buffer buffer(*ops, 1024);
  const Tensor memory(buffer.data(), DType::F32, {256});
  const Matmul op{.y = memory.slice(0, 0, 8).view({2, 4}),
                  .a = memory.slice(0, 64, 6).view({2, 3}),
                  .b = memory.slice(0, 128, 12).view({4, 3}),
                  .b_transpose = Transpose::Yes};
  const TunedProduct tuned = tune_cuda_product(*ops, op);
  CHECK(tuned.algorithms == 3);  // of the emulated library's four
  CHECK(tuned.first_seconds == Catch::Detail::Approx(3e-6));
  CHECK(tuned.best_seconds == Catch::Detail::Approx(1e-6));
  const GemmTable table(tuned.row, "row");
  const GemmAlgorithm* const found =
      table.find({"emulated GPU", cuda_libraries(), product_name(op)});
  REQUIRE(found);
  CHECK((*found)[0] == 1);
}

}  // namespace causeway::cuda
