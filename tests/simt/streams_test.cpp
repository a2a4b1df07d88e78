// Streams and events of the seam to the runtime: that the emulation tells a missing wait from one
// that is there, and what the backend waits for. Read next: streams.h, cuda/memory.h.
#include <cstring>
#include <numeric>

#include "core/buffer.h"
#include "cuda/backend.h"
#include "cuda/memory.h"

#include "tests/catch.h"

namespace causeway::cuda {
namespace {

/// An int on the device, and one in pinned host memory.
class Number {
 public:
  Number() : device_(allocate(sizeof(int))), host_(allocate_pinned(sizeof(int))) { give(0); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() {
    deallocate(device_);
    deallocate_pinned(host_);
  }

  void give(int value) { std::memcpy(host_, &value, sizeof value); }
  int see() const {
    int value = 0;
    std::memcpy(&value, host_, sizeof value);
    return value;
  }
  void upload(cudaStream_t stream) { cuda::copy(device_, host_, sizeof(int), stream); }
  void download(cudaStream_t stream) { cuda::copy(host_, device_, sizeof(int), stream); }
  void take(const Number& other, cudaStream_t stream) {
    cuda::copy(device_, other.device_, sizeof(int), stream);
  }

 private:
  void *device_, *host_;
};

enum class Waits : uint8_t { No, Yes };

/// What a stream reads of what another one has written, with and without an event between.
int read_by_another(Waits waits) {
  const Stream writer, reader;
  const Event written;
  Number from, to;
  from.upload(writer);
  synchronize(writer);
  from.give(7);
  from.upload(writer);
  record(written, writer);
  if (waits == Waits::Yes) wait_on_stream(reader, written);
  to.take(from, reader);
  to.download(reader);
  synchronize(reader);
  return to.see();
}

}  // namespace

TEST_CASE("a stream does its work when the host waits for it, and not before") {
  const Stream stream;
  const Event uploaded;
  Number number;
  number.give(1);
  number.upload(stream);
  record(uploaded, stream);
  number.give(2);  // too early: it has not been copied yet
  wait(uploaded);
  number.give(3);
  number.download(stream);
  CHECK(number.see() == 3);
  synchronize(stream);
  CHECK(number.see() == 2);
}

TEST_CASE("a stream sees what another one has written if it waits for that, by any seed") {
  int early = 0;
  for (int time = 0; time < 32; ++time) {
    CHECK(read_by_another(Waits::Yes) == 7);
    early += read_by_another(Waits::No) != 7;
  }
  CHECK(early > 0);
}

TEST_CASE("uploads are the bytes of their time, however many are on their way") {
  const auto ops = make_cuda_backend();
  constexpr int64_t kInts = 800'000;  // more than two pinned buffers hold
  const Buffer memory(*ops, 3 * kInts * sizeof(int32_t));
  std::vector<int32_t> numbers(kInts), back(kInts);
  const auto place = [&](int64_t i) {
    return Tensor(memory.data(), DType::I32, {3 * kInts}).slice(0, i * kInts, kInts);
  };
  for (int i = 0; i < 3; ++i) {
    std::iota(numbers.begin(), numbers.end(), i);
    ops->upload(place(i), numbers.data());
  }
  for (int i = 0; i < 3; ++i) {
    ops->download(back.data(), place(i));
    std::iota(numbers.begin(), numbers.end(), i);
    CHECK((back == numbers));
  }
}

}  // namespace causeway::cuda
