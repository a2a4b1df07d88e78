// TimedBackend: a backend that adds up the time of each operation on the way to the real one. Read
// next: verb_step.cpp, which splits a training step by it.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "train/runtime.h"

namespace causeway {

/// Seconds by operation: "matmul", "attention_backward", ...
using TimeByOperation = std::map<std::string, double, std::less<>>;

/// Passes everything on to runtime's backend; both must outlive it. Waits for each operation, so a
/// device's step takes longer than without, while an operation's own time stays true. What would be
/// a graph is split into its operations too.
std::unique_ptr<Backend> make_timed_backend(const Runtime& runtime, TimeByOperation& times);

}  // namespace causeway
