// The command line's way of naming text, shared by `data prepare` and `tokenizer train`, and the
// line that shows how far the reading is. Read next: verb_data.cpp.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "data/documents.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {

/// --documents, --separator, --field.
class DocumentArguments {
 public:
  void add_to(CLI::App& app);
  /// Throws usage.documents.
  DocumentOptions options() const;

 private:
  std::string unit_ = "auto", separator_, field_;
};

/// One line that is written over on a terminal and comes every ten seconds elsewhere.
class ReadingLine {
 public:
  explicit ReadingLine(const Terminal& terminal) : terminal_(terminal) {}
  ~ReadingLine() { clear(); }
  ReadingLine(const ReadingLine&) = delete;
  ReadingLine& operator=(const ReadingLine&) = delete;

  /// "encoding  12 % of 1.9 GiB, 85.2 MB/s, 20s to go"; `doing` alone without a total.
  void show(const std::string& doing, int64_t taken, int64_t total);
  void say(const std::string& text);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  Terminal terminal_;
  std::string doing_;
  Clock::time_point begin_, said_ = Clock::now();
  int64_t taken_at_begin_ = 0;
  bool visible_ = false;
};

}  // namespace causeway
