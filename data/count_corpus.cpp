// See count_corpus.h.
#include "data/count_corpus.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "core/error.h"
#include "core/philox.h"
#include "data/in_order.h"

namespace causeway {

namespace fs = std::filesystem;

namespace {

/// One thread's share.
struct Share {
  WordCounts words;
  std::vector<uint32_t> ends;
};

/// Shares that no thread uses just now.
class Shares {
 public:
  void count(const Splitter& splitter, const TextBatch& batch) {
    std::unique_ptr<Share> share = borrow();
    for (const TextPiece& piece : batch.pieces)
      count_words(splitter, batch.of(piece), share->ends, share->words);
    give_back(std::move(share));
  }
  WordCounts sum() {
    WordCounts total = idle_.empty() ? WordCounts() : std::move(idle_.front()->words);
    for (size_t i = 1; i < idle_.size(); ++i) total.add(idle_[i]->words);
    return total;
  }

 private:
  std::unique_ptr<Share> borrow() {
    const std::scoped_lock lock(mutex_);
    if (idle_.empty()) return std::make_unique<Share>();
    std::unique_ptr<Share> share = std::move(idle_.back());
    idle_.pop_back();
    return share;
  }
  void give_back(std::unique_ptr<Share> share) {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(share));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Share>> idle_;
};

struct Part {
  TextBatch batch;
  int64_t taken = 0;
  bool counted = true;
};

std::vector<SourceFile> training_files(const std::vector<fs::path>& sources) {
  std::vector<SourceFile> files;
  for (const fs::path& source : sources)
    for (SourceFile& file : files_of_source(source))
      if (file.split == Split::Train) files.push_back(std::move(file));
  return files;
}

/// The files' bytes; of packed ones some four times as much text.
int64_t expected_text(const std::vector<SourceFile>& files) {
  int64_t total = 0;
  for (const SourceFile& file : files) {
    const bool packed = file.path.extension() == ".gz" || file.path.extension() == ".zst";
    total += static_cast<int64_t>(fs::file_size(file.path)) * (packed ? 4 : 1);
  }
  return total;
}

}  // namespace

CountResult count_corpus(const CountOptions& options) {
  const std::vector<SourceFile> files = training_files(options.sources);
  const int64_t expected = expected_text(files);
  const double share = static_cast<double>(options.sample_bytes) /
                       static_cast<double>(std::max<int64_t>(1, expected));
  const Splitter splitter(options.pattern);
  DocumentReader reader(files, options.documents, [&](std::string_view text, size_t limit) {
    return splitter.cut_before(text, limit);
  });
  Shares shares;
  CountResult result;
  int64_t number = 0;
  in_order(
      options.threads,
      [&]() -> std::optional<Part> {
        Part part;
        if (!reader.next(part.batch)) return {};
        const RandomStream stream{options.seed, RandomPurpose::Sampling, 0,
                                  static_cast<uint64_t>(number++)};
        part.counted = uniform(random_bits(stream, 0)) < share;
        part.taken = reader.taken();
        return part;
      },
      [&](const Part& part) {
        if (part.counted) shares.count(splitter, part.batch);
        return part.counted;
      },
      [&](const Part& part, bool) {
        (part.counted ? result.bytes : result.skipped) +=
            static_cast<int64_t>(part.batch.text.size());
        if (options.progress) options.progress(part.taken, expected);
      });
  result.words = shares.sum();
  if (result.words.size() > 0) return result;
  throw Error({.id = "data.empty",
               .where = options.sources.empty() ? "" : options.sources.front().string(),
               .what = "there are no words in it to train on",
               .remedy = "give a text, or a larger --sample"});
}

}  // namespace causeway
