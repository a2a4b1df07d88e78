// `causeway tokenizer info`. Read next: data/tokenizer.h.
#include "core/json.h"
#include "data/tokenizer.h"
#include "train/verbs.h"

namespace causeway {
namespace {

/// A token's bytes as a JSON string, so that a newline or half a character stays visible.
std::string quoted(const std::string& bytes) {
  return Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
}

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
    fmt::print("  hash         {}\n", tokenizer.hash());
    if (text_.empty()) return;
    fmt::print("{} tokens for {} bytes:\n", ids.size(), text_.size());
    for (const int32_t id : ids) fmt::print("  {:6}  {}\n", id, quoted(tokenizer.decode(id)));
  }

  std::string path_, text_;
  OutputFormat format_ = OutputFormat::Text;
};

}  // namespace

std::unique_ptr<Verb> make_tokenizer_info() { return std::make_unique<TokenizerInfo>(); }

}  // namespace causeway
