// See source_arguments.h.
#include "train/source_arguments.h"

namespace causeway {

void DocumentArguments::add_to(CLI::App& app) {
  app.add_option("--documents", unit_,
                 "what a document is: file | line | json (a field of each line) | auto (json for "
                 ".jsonl, else file)")
      ->capture_default_str();
  app.add_option("--separator", separator_, "documents are what stands between this in a file");
  app.add_option("--field", field_, "of each line's JSON object; implies --documents json")
      ->type_name("NAME");
}

DocumentOptions DocumentArguments::options() const {
  DocumentOptions options;
  if (unit_ == "file") {
    options.unit = DocumentUnit::File;
  } else if (unit_ == "line") {
    options.unit = DocumentUnit::Line;
  } else if (unit_ == "json") {
    options.unit = DocumentUnit::Json;
  } else if (unit_ != "auto") {
    throw Error({.id = "usage.documents",
                 .where = "",
                 .what = fmt::format("--documents is \"{}\"", unit_),
                 .remedy = "one of: auto file line json; or --separator TEXT"});
  }
  if (!field_.empty()) options.unit = DocumentUnit::Json, options.field = field_;
  if (separator_.empty()) return options;
  if (options.unit != DocumentUnit::Auto)
    throw Error({.id = "usage.documents",
                 .where = "",
                 .what = "--separator goes with neither --documents nor --field",
                 .remedy = "use one of them"});
  options.unit = DocumentUnit::Separator;
  options.separator = separator_;
  return options;
}

void ReadingLine::show(const std::string& doing, int64_t taken, int64_t total) {
  const auto now = Clock::now();
  if (doing != doing_) {
    doing_ = doing;
    begin_ = now;
    taken_at_begin_ = taken;
  }
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate = static_cast<double>(taken - taken_at_begin_) / std::max(1e-9, seconds);
  if (total <= 0 || rate <= 0) return say(doing);
  say(fmt::format("{}  {} % of {}, {:.1f} MB/s, {} to go", doing, taken * 100 / total,
                  format_bytes(static_cast<double>(total)), rate / 1e6,
                  format_time(static_cast<double>(total - taken) / rate)));
}

void ReadingLine::say(const std::string& text) {
  const bool live = terminal_.kind == TerminalKind::Live;
  const auto now = Clock::now();
  if (std::chrono::duration<double>(now - said_).count() < (live ? 0.1 : 10)) return;
  said_ = now;
  fmt::print(terminal_.out, "{}{}{}", live ? "\r\x1b[K" : "", text, live ? "" : "\n");
  std::fflush(terminal_.out);
  visible_ = live;
}

void ReadingLine::clear() {
  if (!visible_) return;
  fmt::print(terminal_.out, "\r\x1b[K");
  std::fflush(terminal_.out);
  visible_ = false;
}

}  // namespace causeway
