// Construction and memory of the CPU backend. See backend.h. Read next: norm.cpp.
#include "core/cpu/backend.h"

#include <sched.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "core/cpu/cpu_backend.h"
#include "core/ops_check.h"

namespace causeway {
namespace {

/// CPUs this process may use: fewer than the machine has under taskset or in a container.
int available_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

CpuInfo cpu_info(const CpuOptions& options) {
  const cpu::Isa isa = cpu::parse_isa(options.isa);
  return {.isa = std::string(cpu::isa_name(isa)),
          .threads = options.threads > 0 ? options.threads : available_cpus(),
          .native_bf16 = isa >= cpu::Isa::Avx512Bf16};
}

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  const CpuInfo info = cpu_info(options);
  return std::make_unique<cpu::CpuBackend>(info.threads, cpu::parse_isa(options.isa));
}

namespace cpu {
namespace {

/// From this size on memory comes straight from the system, where huge pages can be asked for: a
/// step walks through all of it, and 4 KiB pages would cost a TLB miss each.
constexpr size_t kMapFrom = size_t{1} << 20;
constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// Bytes one thread moves at a time.
constexpr int64_t kBytesPerPiece = 1 << 18;

}  // namespace

CpuBackend::CpuBackend(int threads, Isa isa)
    : kernels_(kernels_for(isa)),
      pool_(threads),
      scratch_(*this, threads),
      products_(kernels_, pool_, scratch_, isa >= Isa::Avx512Bf16 ? Bf16::Native : Bf16::Widened) {}

void* CpuBackend::allocate(size_t bytes) {
  void* data = nullptr;
  if (bytes >= kMapFrom) {
    data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) data = nullptr;
    if (data) madvise(data, bytes, MADV_HUGEPAGE);  // a wish: refusal costs nothing but speed
  } else {
    data = std::aligned_alloc(kAlignment, aligned(std::max<size_t>(bytes, 1)));
    if (data) std::memset(data, 0, aligned(bytes));
  }
  if (!data)
    throw Error({.id = "memory.host",
                 .where = "",
                 .what = fmt::format("the system refused {} bytes of memory", bytes),
                 .remedy = "make train.micro_batch_size or the model smaller; causeway plan shows "
                           "what a run needs"});
  return data;
}

void CpuBackend::deallocate(void* data, size_t bytes) noexcept {
  if (bytes >= kMapFrom)
    munmap(data, bytes);
  else
    std::free(data);
}

void CpuBackend::upload(const Tensor& dst, const void* host) {
  CHECK(dst.contiguous(), "upload to a strided {}", to_string(dst));
  if (dst.bytes()) std::memcpy(dst.data, host, dst.bytes());
}

void CpuBackend::download(void* host, const Tensor& src) {
  CHECK(src.contiguous(), "download of a strided {}", to_string(src));
  if (src.bytes()) std::memcpy(host, src.data, src.bytes());
}

void CpuBackend::copy(const Tensor& dst, const Tensor& src) {
  check_copy(dst, src);
  // A dense tensor is one long row; otherwise the last dimension is a row and the others count
  // them.
  const bool dense = dst.contiguous() && src.contiguous();
  const int64_t size = static_cast<int64_t>(dtype_size(dst.dtype));
  const int64_t width = dense ? dst.numel() : dst.shape[dst.rank - 1];
  const int64_t rows = width ? dst.numel() / width : 0;
  const auto at = [&](const Tensor& t, int64_t row) {
    int64_t offset = 0;
    for (int d = t.rank - 2; d >= 0; row /= t.shape[d], --d)
      offset += row % t.shape[d] * t.stride[d];
    return static_cast<char*>(t.data) + (dense ? 0 : offset * size);
  };
  if (rows == 1) {
    in_pieces(width * size, kBytesPerPiece, [&](int64_t begin, int64_t end) {
      std::memcpy(at(dst, 0) + begin, at(src, 0) + begin, end - begin);
    });
    return;
  }
  in_pieces(rows, std::max<int64_t>(1, kBytesPerPiece / std::max<int64_t>(1, width * size)),
            [&](int64_t begin, int64_t end) {
              for (int64_t row = begin; row < end; ++row)
                std::memcpy(at(dst, row), at(src, row), width * size);
            });
}

void CpuBackend::zero(const Tensor& x) {
  CHECK(x.contiguous(), "zero of a strided {}", to_string(x));
  in_pieces(static_cast<int64_t>(x.bytes()), kBytesPerPiece, [&](int64_t begin, int64_t end) {
    std::memset(static_cast<char*>(x.data) + begin, 0, end - begin);
  });
}

void CpuBackend::prepare(const Matmul& op) {
  check(op);
  act_index(op.a.dtype, "matmul");
  products_.prepare(op);
}

void CpuBackend::matmul(const Matmul& op) {
  prepare(op);
  products_.run(op);
}

int act_index(DType dtype, std::string_view op) {
  if (dtype == DType::F32) return 0;
  if (dtype == DType::BF16) return 1;
  throw Error(
      {.id = "op.unsupported",
       .where = "",
       .what = fmt::format("[{}] expected f32 or bf16 on the CPU, got {}", op, dtype_name(dtype)),
       .remedy = "f64 and c128 are the reference backend's"});
}

void check_indices(const Tensor& index, int64_t least, int64_t limit, std::string_view op,
                   std::string_view name) {
  const int32_t* at = index.as<int32_t>();
  const int64_t n = index.numel();
  bool good = true;
  for (int64_t i = 0; i < n; ++i) good &= at[i] >= least && at[i] < limit;
  if (good) return;
  int64_t i = 0;
  while (at[i] >= least && at[i] < limit) ++i;
  throw Error(
      {.id = fmt::format("op.{}", op),
       .where = "",
       .what = fmt::format("[{}] expected {} in [{}, {}), got {} at element {}", op, name, least,
                           limit, at[i], i),
       .remedy = "the data was prepared with another tokenizer than model.vocab_size says"});
}

}  // namespace cpu
}  // namespace causeway
