// See product.h.
#include "core/product.h"

#include <fmt/format.h>

namespace causeway {
namespace {

/// Of one row there is no way to the next.
int64_t row_stride(const Tensor& t) { return t.shape[0] == 1 ? t.shape[1] : t.stride[0]; }

int64_t inner_extent(const Matmul& op) { return op.a.shape[op.a_transpose == Transpose::No]; }

char letter(Transpose transpose) { return transpose == Transpose::Yes ? 't' : 'n'; }

std::string epilogue_name(const Matmul& op) {
  if (op.epilogue == Epilogue::None) return "";
  return fmt::format(" {} {}", op.epilogue == Epilogue::Gelu ? "gelu" : "gelu-backward",
                     row_stride(op.pre));
}

}  // namespace

std::string product_name(const Matmul& op) {
  return fmt::format("{}x{}x{} {}{} {}>{} {},{},{}{}{}{}", op.y.shape[0], op.y.shape[1],
                     inner_extent(op), letter(op.a_transpose), letter(op.b_transpose),
                     dtype_name(op.a.dtype), dtype_name(op.y.dtype), row_stride(op.a),
                     row_stride(op.b), row_stride(op.y), op.bias ? " bias" : "", epilogue_name(op),
                     op.mode == GradMode::Accumulate ? " accumulate" : "");
}

double product_flops(const Matmul& op) {
  return 2.0 * static_cast<double>(op.y.numel()) * static_cast<double>(inner_extent(op));
}

}  // namespace causeway
