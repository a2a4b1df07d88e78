// Says what went wrong: which thread, in what, where, under which seed.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <map>

#include "cuda/kernel_env.cuh"
#include "tests/simt/state.h"

namespace causeway::simt {

bool Place::operator==(const Place& other) const {
  return line == other.line && std::strcmp(file, other.file) == 0;
}

namespace {

std::string file_name(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/// The output of a command, line by line.
std::vector<std::string> lines_of(const std::string& command) {
  std::vector<std::string> lines;
  FILE* pipe = popen(command.c_str(), "r");
  char line[1024];
  while (pipe && std::fgets(line, sizeof line, pipe)) {
    lines.emplace_back(line);
    if (!lines.back().empty() && lines.back().back() == '\n') lines.back().pop_back();
  }
  if (pipe) pclose(pipe);
  return lines;
}

extern "C" const char __executable_start;

/// What addr2line knows of an address: function, "file:line", and the same of what it was inlined
/// into.
std::vector<std::string> symbols(const void* pc) {
  char program[1024] = {};
  if (!pc || readlink("/proc/self/exe", program, sizeof program - 1) < 0) return {};
  const size_t offset = static_cast<size_t>(static_cast<const char*>(pc) - &__executable_start);
  return lines_of(fmt::format("addr2line -Cfsie '{}' {:#x} 2>/dev/null", program, offset));
}

/// The kernel's line behind the address of an access: the first that is not ours.
std::string access_place(const void* pc) {
  if (!pc) return "";
  const auto lines = symbols(static_cast<const char*>(pc) - 1);
  for (size_t i = 1; i < lines.size(); i += 2) {
    const std::string place = lines[i].substr(0, lines[i].find(' '));
    const std::string file = place.substr(0, place.find(':'));
    if (file != "intrinsics.h" && file != "ptx.h" && file != "??") return " at " + place;
  }
  return "";
}

std::string kernel_name() {
  const auto lines = symbols(machine.launch.kernel);
  return lines.empty() ? "a kernel" : lines[0];
}

}  // namespace

std::string describe(const Thread& t) {
  const std::string place = fmt::format("{}:{}", file_name(t.place.file), t.place.line);
  switch (t.wait) {
    case Wait::Lanes:
      return fmt::format("{} at {} (mask {:#010x})", t.collective->name, place, t.mask);
    case Wait::Mbarrier:
      return "mbarrier wait at " + place;
    case Wait::Barrier:
      return t.barrier == 0 ? "__syncthreads at " + place
                            : fmt::format("named barrier {} at {}", t.barrier, place);
    case Wait::No:
      break;
  }
  return "nothing";
}

std::string report_deadlock() {
  std::map<std::string, std::pair<int, int>> groups;  // what -> first thread, how many
  for (int i = 0; i < machine.thread_count; ++i) {
    const Thread& t = machine.threads[static_cast<size_t>(i)];
    auto [group, is_new] =
        groups.try_emplace(t.done ? "returned" : "waits in " + describe(t), i, 0);
    ++group->second.second;
  }
  std::string text = "deadlock: no thread can go on";
  for (const auto& [what, who] : groups)
    text += fmt::format("\n    {} thread(s), first {}: {}", who.second, who.first, what);
  return text;
}

void raise_failure() {
  machine.current = nullptr;
  throw Error(fmt::format("simt: {}{}\n  in {}, block ({}, {}, {}), seed {}", machine.failure,
                          access_place(machine.failure_pc), kernel_name(), blockIdx.x, blockIdx.y,
                          blockIdx.z, options.seed));
}

void fail(std::string what, const void* pc) {
  machine.failed = true, machine.failure_pc = pc;
  if (!machine.current) {
    machine.failure = std::move(what);
    raise_failure();
  }
  machine.failure = fmt::format("thread {}: {}", machine.current->id, what);
  give_way(machine.current->fiber);
  std::abort();  // nobody resumes a thread that failed
}

}  // namespace causeway::simt
