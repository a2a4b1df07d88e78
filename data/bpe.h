// Byte-level BPE, the tokenizers of GPT-2 and after: a text is cut into pieces (splitter.h), a
// piece into bytes, and bytes are merged by rank. Every text has ids and every byte comes back.
// Read next: bpe_encode.h, bpe_json.h (tokenizer.json), bpe_files.h (other formats).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/added_tokens.h"
#include "data/tokenizer.h"

namespace causeway {

/// Yes: a piece that is a token is that token, reachable by merges or not (tiktoken's way;
/// "ignore_merges" in tokenizer.json).
enum class WholePieces : uint8_t { No, Yes };

struct BpeVocab {
  std::vector<std::string> tokens;                  ///< (V): bytes of each id; "": none of its own
  std::vector<std::pair<int32_t, int32_t>> merges;  ///< left and right id, best first
  std::vector<AddedToken> added;                    ///< by id
  std::string pattern = "gpt2";                     ///< see Splitter
  WholePieces whole_pieces = WholePieces::No;
  std::string unicode;  ///< version of the tables it was made with; "": this program's
};

/// Throws tokenizer.corrupt where a byte has no token, a token is there twice, a merge makes none
/// or an added token has the id of another; tokenizer.pattern.
std::unique_ptr<Tokenizer> make_bpe_tokenizer(BpeVocab vocab, const std::string& where);

/// "tokenizer.corrupt": what is wrong with the vocabulary at `where`.
[[noreturn]] void throw_corrupt_bpe(const std::string& where, const std::string& what);

/// The merges that made each token, from tokens in the order of their ranks (tiktoken files keep
/// nothing else; fewer than 2^21): token r's two halves are what ranks below r make of its bytes.
/// Tokens that these merge to more than two parts cannot be reached and get none.
std::vector<std::pair<int32_t, int32_t>> merges_of_ranks(const std::vector<std::string>& tokens);

/// Bytes in the order in which byte-level vocabularies number them: printable ones first.
std::vector<unsigned char> byte_level_order();

}  // namespace causeway
