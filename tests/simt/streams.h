// Streams and events of the emulation. A stream does its work as late as legal: when the host waits
// for it, or when a stream that is waited for waits for it. So a wait that is missing shows: in the
// host, which finds nothing yet or overwrites what was to be copied; in a stream, which goes ahead
// of the other. Which of the others runs meanwhile is decided by the seed. Read next: streams.cpp.
#pragma once
#include "tests/simt/engine.h"

namespace causeway::simt {

cudaStream_t make_stream();
cudaEvent_t make_event();
void destroy(cudaStream_t stream) noexcept;  ///< after its work
void destroy(cudaEvent_t event) noexcept;

/// Of the default stream there is nothing to record, or to wait for.
void record(cudaEvent_t event, cudaStream_t stream);
void wait_on_stream(cudaStream_t stream, cudaEvent_t event);

/// The host waits. Throws what a kernel threw.
void finish(cudaEvent_t event);
void finish(cudaStream_t stream);
/// For all streams. What a kernel threw is thrown by the next finish().
void finish_all() noexcept;

}  // namespace causeway::simt
