// `causeway tokenizer info|encode`. Read next: data/tokenizer.h, verb_tokenizer_train.cpp.
#include <chrono>

#include "core/file.h"
#include "core/json.h"
#include "data/encode_parallel.h"
#include "data/in_order.h"
#include "data/tokenizer.h"
#include "train/terminal.h"
#include "train/verbs.h"

namespace causeway {
namespace {

class TokenizerInfo final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("tokenizer", path_,
                   "tokenizer file, or a folder that holds one (data set, checkpoint)")
        ->required();
    app.add_option("--text", text_, "show how this text is split");
    add_json_flag(app, format_);
  }

  ExitCode run() override {
    const auto tokenizer = load_tokenizer(path_);
    const std::vector<int32_t> ids =
        text_.empty() ? std::vector<int32_t>{} : tokenizer->encode(text_);
    if (format_ == OutputFormat::Json) {
      print_json(*tokenizer, ids);
    } else {
      print_text(*tokenizer, ids);
    }
    return ExitCode::Ok;
  }

 private:
  void print_json(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) const {
    const auto optional = [](std::optional<int32_t> id) { return id ? Json(*id) : Json(nullptr); };
    Json json = {{"kind", tokenizer_kind_name(tokenizer.kind())},
                 {"vocab_size", tokenizer.vocab_size()},
                 {"bos", optional(tokenizer.bos())},
                 {"end_of_text", optional(tokenizer.end_of_text())},
                 {"hash", tokenizer.hash()}};
    for (const auto& [name, value] : tokenizer.details()) json[name] = value;
    if (!text_.empty()) json["ids"] = ids;
    fmt::print("{}\n", json.dump(2));
  }

  void print_text(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) const {
    const auto optional = [](std::optional<int32_t> id) {
      return id ? std::to_string(*id) : std::string("none");
    };
    fmt::print("{}\n", path_);
    fmt::print("  kind         {}\n", tokenizer_kind_name(tokenizer.kind()));
    fmt::print("  vocabulary   {}\n", tokenizer.vocab_size());
    fmt::print("  bos          {}\n", optional(tokenizer.bos()));
    fmt::print("  end of text  {}\n", optional(tokenizer.end_of_text()));
    for (const auto& [name, value] : tokenizer.details()) fmt::print("  {:<11}  {}\n", name, value);
    fmt::print("  hash         {}\n", tokenizer.hash());
    if (text_.empty()) return;
    fmt::print("{} tokens for {} bytes:\n", ids.size(), text_.size());
    for (const int32_t id : ids) fmt::print("  {:6}  {}\n", id, quoted(tokenizer.decode(id)));
  }

  std::string path_, text_;
  OutputFormat format_ = OutputFormat::Text;
};

class TokenizerEncode final : public Verb {
 public:
  void add_arguments(CLI::App& app) override {
    app.add_option("tokenizer", path_, "tokenizer file, or a folder that holds one")->required();
    app.add_option("texts", texts_, "text files, encoded one after the other")->required();
    app.add_option("--output", output_, "file for the ids of all, as little-endian uint32");
    app.add_option("--threads", threads_, "threads to use")->capture_default_str();
  }

  ExitCode run() override {
    const auto tokenizer = load_tokenizer(path_);
    size_t bytes = 0, tokens = 0;
    double seconds = 0;
    std::optional<FileWriter> out;
    if (!output_.empty()) out.emplace(output_);
    for (const std::string& path : texts_) {
      const std::string text = read_file(path);
      const auto begin = std::chrono::steady_clock::now();
      const std::vector<int32_t> ids =
          encode_parallel(*tokenizer, text, {path}, std::max(1, threads_));
      seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      bytes += text.size();
      tokens += ids.size();
      if (out) out->write(std::as_bytes(std::span(ids)));
    }
    if (out) out->close();
    fmt::print("{} bytes, {} tokens, {:.3f} bytes per token; {:.3f} s, {:.1f} MB/s\n",
               format_count(static_cast<int64_t>(bytes)),
               format_count(static_cast<int64_t>(tokens)),
               static_cast<double>(bytes) / static_cast<double>(std::max<size_t>(1, tokens)),
               seconds, static_cast<double>(bytes) / 1e6 / std::max(seconds, 1e-9));
    return ExitCode::Ok;
  }

 private:
  std::string path_, output_;
  std::vector<std::string> texts_;
  int threads_ = default_threads();
};

}  // namespace

std::unique_ptr<Verb> make_tokenizer_encode() { return std::make_unique<TokenizerEncode>(); }
std::unique_ptr<Verb> make_tokenizer_info() { return std::make_unique<TokenizerInfo>(); }

}  // namespace causeway
