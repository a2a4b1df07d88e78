// Kernels that break one rule each, and what the emulation says of them. Some need the checked
// build.
#include <functional>
#include <optional>

#include "tests/catch.h"
#include "tests/simt/device.h"

namespace causeway::test {
namespace {

using namespace causeway::cuda;
using simt::Buffer;

/// What the emulation reports, in whichever of four schedules it is seen first.
std::optional<std::string> report_of(const std::function<void()>& run) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    simt::options.seed = seed;
    try {
      run();
    } catch (const simt::Error& e) {
      return e.what();
    }
  }
  return std::nullopt;
}
enum class Seen { InEveryBuild, WhenChecked };
void require_report(Seen seen, const std::string& text, const std::function<void()>& run) {
  const auto report = report_of(run);
  if (seen == Seen::WhenChecked && !simt::checking) return;
  INFO("expected: " << text);
  REQUIRE(report.has_value());
  CHECK_THAT(*report, Catch::Contains(text));
}

__global__ void missing_sync(int* out) {
  KSHARED(int, s, [64]);
  s[threadIdx.x] = 0;
  __syncthreads();
  s[threadIdx.x] = threadIdx.x;
  out[threadIdx.x] = s[63 - threadIdx.x];
}
__global__ void missing_syncwarp(int* out) {
  KSHARED(int, s, [32]);
  s[threadIdx.x] = 0;
  __syncwarp();
  s[threadIdx.x] = threadIdx.x;
  out[threadIdx.x] = s[31 - threadIdx.x];
}
__global__ void shuffle_as_fence(int* out) {
  KSHARED(int, s, [32]);
  s[threadIdx.x] = 0;
  __syncwarp();
  s[threadIdx.x] = threadIdx.x;
  const int one = __shfl_xor_sync(kFullMask, 1, 1);
  out[threadIdx.x] = one + s[31 - threadIdx.x];
}
__global__ void write_after_read(int* out) {
  KSHARED(int, s, [64]);
  int sum = 0;
  for (int i = 0; i < 2; ++i) {
    s[threadIdx.x] = i;
    __syncthreads();
    sum += s[(threadIdx.x + 32) & 63];
  }
  out[threadIdx.x] = sum;
}
__global__ void write_after_many_read(int* out) {
  KSHARED(int, s, [1]);
  if (threadIdx.x == 0) s[0] = 1;
  __syncthreads();
  out[threadIdx.x] = s[0];
  if (threadIdx.x == 0) s[0] = 2;
}

TEST_CASE("the checked build sees races in shared memory") {
  Buffer<int> out(64, "out");
  const auto run = [&](auto kernel, int threads) {
    return [&out, kernel, threads] { launch(kernel, 1, threads, 0, 0, out.data()); };
  };
  require_report(Seen::WhenChecked, "race on", run(missing_sync, 64));
  require_report(Seen::WhenChecked, "race on", run(missing_syncwarp, 32));
  require_report(Seen::WhenChecked, "race on", run(shuffle_as_fence, 32));
  require_report(Seen::WhenChecked, "race on", run(write_after_read, 64));
  require_report(Seen::WhenChecked, "several lanes of warp", run(write_after_many_read, 64));
}

__global__ void add_plain(float* sum) { sum[threadIdx.x] += 1.0f; }
__global__ void add_atomic(float* sum) { atomicAdd(sum + threadIdx.x, 1.0f); }

TEST_CASE("blocks that share an element race unless they use atomics") {
  Buffer<float> sum(std::vector<float>(32), "sum");
  require_report(Seen::WhenChecked, "race between blocks on byte",
                 [&] { launch(add_plain, 4, 32, 0, 0, sum.data()); });
  CHECK_FALSE(report_of([&] { launch(add_atomic, 4, 32, 0, 0, sum.data()); }));
}

__global__ void half_a_barrier(int* out) {
  if (threadIdx.x < 32) __syncthreads();
  out[threadIdx.x] = 1;
}
__global__ void barrier_in_two_places(int* out) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = 1;
}
__global__ void shuffle_after_exit(int* out) {
  if (threadIdx.x == 7) return;
  out[threadIdx.x] = __shfl_down_sync(kFullMask, 1, 1);
}
__global__ void shuffle_outside_mask(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xffffu, 1, 20);
}
__global__ void divergent_warp(int* out) {
  if (threadIdx.x & 1)
    out[threadIdx.x] = __shfl_xor_sync(kFullMask, 1, 2);
  else
    __syncwarp();
}
__global__ void lost_lanes(int* out) {
  if (threadIdx.x < 48)
    out[threadIdx.x] = __shfl_xor_sync(kFullMask, 1, 2);
  else
    named_barrier_sync(1, 64);
}

TEST_CASE("divergence is named, with who waits where") {
  Buffer<int> out(64, "out");
  const auto run = [&](auto kernel, int threads) {
    return [&out, kernel, threads] { launch(kernel, 1, threads, 0, 0, out.data()); };
  };
  const auto seen = Seen::InEveryBuild;
  require_report(seen, "returned", run(half_a_barrier, 64));
  require_report(seen, "divergent barrier", run(barrier_in_two_places, 64));
  require_report(seen, "shuffle at detect_test.cpp", run(shuffle_after_exit, 32));
  require_report(seen, "lane 20, which is not in mask", run(shuffle_outside_mask, 32));
  require_report(seen, "divergent warp", run(divergent_warp, 32));
  require_report(seen, "deadlock", run(lost_lanes, 64));
}

__global__ void beyond_dynamic(int, int i) {
  KDYN_SHARED(m);
  reinterpret_cast<float*>(m)[threadIdx.x + i] = 1.0f;
}
__global__ void beyond_static(int* out, int i) {
  KSHARED(float, s, [32]);
  s[threadIdx.x + i] = 1.0f;
  out[threadIdx.x] = 0;
}
__global__ void beyond_global(int* out, int i) { out[threadIdx.x + i] = 1; }
__global__ void half_written(float* out) {
  KSHARED(float, s, [64]);
  if (threadIdx.x < 32) s[threadIdx.x] = 0.0f;
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x];
}
__global__ void copy(float* out, const float* in) { out[threadIdx.x] = in[threadIdx.x]; }

// These write where they must not: only the checked build stops them before they do.
TEST_CASE("the checked build sees accesses out of bounds and of values nobody wrote") {
  if (!simt::checking) return;
  Buffer<int> out(64, "out");
  Buffer<float> floats(64, "floats"), unwritten(32, "unwritten");
  const std::vector<float> host(32);
  const auto seen = Seen::WhenChecked;
  require_report(seen, "out of bounds: byte 128 of dynamic shared memory",
                 [&] { launch(beyond_dynamic, 1, 32, 128, 0, 0, 1); });
  require_report(seen, "out of bounds", [&] { launch(beyond_static, 1, 32, 0, 0, out.data(), 1); });
  require_report(seen, "byte 256 of 'out' (256 bytes) at detect_test.cpp",
                 [&] { launch(beyond_global, 1, 32, 0, 0, out.data(), 33); });
  require_report(seen, "uninitialised memory: byte",
                 [&] { launch(half_written, 1, 64, 0, 0, floats.data()); });
  require_report(seen, "of 'unwritten'",
                 [&] { launch(copy, 1, 32, 0, 0, floats.data(), unwritten.data()); });
  require_report(seen, "no device memory",
                 [&] { launch(copy, 1, 32, 0, 0, floats.data(), host.data()); });
}

template <int kPending, bool kSync>
__global__ void async_copy(float* out, const float* in) {
  KDYN_SHARED(m);
  cp_async16(smem_u32(m) + threadIdx.x * 16, in + threadIdx.x * 4);
  cp_async_commit();
  cp_async_wait<kPending>();
  if (kSync) __syncthreads();
  for (int i = 0; i < 4; ++i)
    out[threadIdx.x * 4 + i] = reinterpret_cast<float*>(m)[(threadIdx.x ^ 33) * 4 + i];
}
__global__ void misaligned_ldmatrix(int* out) {
  KDYN_SHARED(m);
  uint32_t r[4];
  ldmatrix_x4(r, smem_u32(m) + threadIdx.x * 16 + 8);
  out[threadIdx.x] = static_cast<int>(r[0]);
}

TEST_CASE("asynchronous copies must be waited for, and then shared by a barrier") {
  Buffer<float> out(256, "out"), in(std::vector<float>(256, 1.0f), "in");
  Buffer<int> ints(32, "ints");
  const auto run = [&](auto kernel) {
    return [&, kernel] { launch(kernel, 1, 64, 1024, 0, out.data(), in.data()); };
  };
  CHECK_FALSE(report_of(run(async_copy<0, true>)));
  for (size_t i = 0; i < 256; ++i) REQUIRE(out[i] == 1.0f);
  require_report(simt::checking ? Seen::WhenChecked : Seen::InEveryBuild,
                 simt::checking ? "uninitialised" : "never waited for", run(async_copy<1, true>));
  // Whoever comes first finds nothing there, whoever comes last finds a race.
  require_report(Seen::WhenChecked, "of dynamic shared memory", run(async_copy<0, false>));
  require_report(Seen::InEveryBuild, "misaligned shared address in ldmatrix",
                 [&] { launch(misaligned_ldmatrix, 1, 32, 1024, 0, ints.data()); });
}

template <int kInts>
__global__ void with_static_array(int* out) {
  KSHARED(int, s, [kInts]);
  s[0] = 1;
  out[0] = s[0];
}

TEST_CASE("a launch that does not ask for shared memory has 48 KiB, static arrays included") {
  Buffer<int> out(1);
  const auto run = [&](size_t dynamic) {
    return [&, dynamic] { launch(with_static_array<1024>, 1, 1, dynamic, 0, out.data()); };
  };
  CHECK_FALSE(report_of(run(kSharedUnasked)));
  const size_t limit = simt::options.shared_limit;
  CHECK_FALSE(report_of(run(limit - 4096)));
  require_report(Seen::InEveryBuild, "exceeds shared memory", run(limit - 4095));
  require_report(Seen::InEveryBuild, "that a block may have", run(limit + 1));
}

}  // namespace
}  // namespace causeway::test
