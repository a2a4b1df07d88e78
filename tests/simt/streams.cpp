// See streams.h.
#include "tests/simt/streams.h"

#include <deque>
#include <exception>
#include <memory>

namespace causeway::simt {
namespace {

struct Stream {
  std::deque<Node> waiting;
  uint64_t given = 0, done = 0;  ///< pieces of work so far
};
/// Reached when `stream` has done so many pieces; at once where it was never recorded.
struct Event {
  Stream* stream = nullptr;
  uint64_t given = 0;
};

std::vector<std::unique_ptr<Stream>> streams;
std::exception_ptr failure;  ///< of work that nobody waited for
bool running = false;

Stream& of(cudaStream_t stream) { return *reinterpret_cast<Stream*>(stream); }
Event& of(cudaEvent_t event) { return *reinterpret_cast<Event*>(event); }

unsigned below(unsigned n) {
  static uint64_t x = options.seed * 0x9e3779b97f4a7c15ull + 1;
  x ^= x << 13, x ^= x >> 7, x ^= x << 17;
  return static_cast<unsigned>((x >> 32) * n >> 32);
}

void step(Stream& stream) {
  const Node node = std::move(stream.waiting.front());
  stream.waiting.pop_front();
  node.run();
  ++stream.done;
}

/// Within the work of another stream: what that one waits for, and no more, lest streams that wait
/// for each other's earlier work come to their later work too soon.
void catch_up(Stream& stream, uint64_t given) {
  while (stream.done < given) step(stream);
}

void give_up() {
  for (const auto& stream : streams) stream->waiting.clear(), stream->done = stream->given;
}

/// For the host. Any other stream may run meanwhile.
void run_until(Stream& stream, uint64_t given) {
  if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
  if (running) throw Error("simt: the host waits within the work of a stream");
  running = true;
  try {
    while (stream.done < given) {
      Stream& any = *streams[below(static_cast<unsigned>(streams.size()))];
      step(below(2) == 0 && !any.waiting.empty() ? any : stream);
    }
  } catch (...) {
    running = false;
    give_up();
    throw;
  }
  running = false;
}

}  // namespace

void enqueue(cudaStream_t stream, const void* what, std::function<void()> work) {
  if (captured) return captured->push_back({what, std::move(work)});
  if (!stream) return work();
  ++of(stream).given;
  of(stream).waiting.push_back({what, std::move(work)});
}

cudaStream_t make_stream() {
  streams.push_back(std::make_unique<Stream>());
  return reinterpret_cast<cudaStream_t>(streams.back().get());
}
cudaEvent_t make_event() { return reinterpret_cast<cudaEvent_t>(new Event); }
void destroy(cudaStream_t stream) noexcept {
  finish_all();
  std::erase_if(streams, [&](const auto& one) { return one.get() == &of(stream); });
}
void destroy(cudaEvent_t event) noexcept { delete &of(event); }

void record(cudaEvent_t event, cudaStream_t stream) {
  of(event) = stream ? Event{&of(stream), of(stream).given} : Event{};
}
void wait_on_stream(cudaStream_t stream, cudaEvent_t event) {
  const Event then = of(event);
  if (then.stream) enqueue(stream, nullptr, [then] { catch_up(*then.stream, then.given); });
}

void finish(cudaEvent_t event) {
  if (of(event).stream) run_until(*of(event).stream, of(event).given);
}
void finish(cudaStream_t stream) {
  if (stream) run_until(of(stream), of(stream).given);
}
void finish_all() noexcept {
  for (size_t i = 0; i < streams.size(); ++i) {
    try {
      run_until(*streams[i], streams[i]->given);
    } catch (...) {
      failure = std::current_exception();
    }
  }
}

}  // namespace causeway::simt
