// See prepare_encode.h.
#include "data/prepare_encode.h"

namespace causeway {

PrepareEncoding::PrepareEncoding(const Corpus& corpus, const Tokenizer& tokenizer,
                                 const PrepareOptions& options, PrepareWork& place, std::string key)
    : options_(options),
      tokenizer_(tokenizer),
      place_(place),
      key_(std::move(key)),
      note_(place.note(key_)),
      spool_(place.folder(),
             {.order = options.order, .seed = options.seed, .text_bytes = corpus.bytes()},
             note_.sizes),
      reader_(corpus.files(), corpus.options(),
              [this](std::string_view text, size_t limit) {
                return tokenizer_.cut_before(text, limit);
              }),
      placer_(corpus, options),
      progress_{.phase = PreparePhase::Encode, .total = corpus.disk_bytes()} {}

bool PrepareEncoding::run() {
  // What is spooled already is read again, which is quick, and not encoded.
  for (; batches_ < note_.batches; ++batches_) (void)read();
  in_order(
      options_.threads,
      [&]() -> std::optional<Work> {
        stopped_ = stopped_ || (options_.stop && options_.stop());
        return stopped_ ? std::nullopt : read();
      },
      [&](const Work& work) { return encode(work); },
      [&](const Work& work, const PieceIds& ids) { spool(work, ids); });
  if (stopped_) note();
  return !stopped_;
}

std::optional<PrepareEncoding::Work> PrepareEncoding::read() {
  Work work;
  if (!reader_.next(work.batch)) return {};
  work.pieces = placer_.place(work.batch);
  work.taken = reader_.taken();
  return work;
}

PrepareEncoding::PieceIds PrepareEncoding::encode(const Work& work) const {
  PieceIds ids;
  for (const auto& [piece, split] : work.pieces) {
    const TextOrigin origin{piece.file->path.string(), piece.offset};
    std::vector<int32_t> one = tokenizer_.encode(work.batch.of(piece), origin);
    const auto end = tokenizer_.end_of_text();
    if (end && piece.first) one.insert(one.begin(), *end);
    ids.push_back(std::move(one));
  }
  return ids;
}

void PrepareEncoding::spool(const Work& work, const PieceIds& ids) {
  constexpr int64_t kBatchesBetweenNotes = 256;  // some 128 MB of text
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto& [piece, split] = work.pieces[i];
    spool_.append(split, piece.document, piece.last, ids[i]);
    progress_.tokens += static_cast<int64_t>(ids[i].size());
  }
  if (++batches_ % kBatchesBetweenNotes == 0) note();
  progress_.taken = work.taken;
  if (options_.progress) options_.progress(progress_);
}

/// Writes down how far all is. Inside a document that waits for its place, the note before stays.
void PrepareEncoding::note() {
  if (spool_.between_documents()) place_.write_note(key_, {batches_, spool_.sizes()});
}

}  // namespace causeway
