// See hash.h. The only file that knows xxhash.
#include "core/hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "core/error.h"
#include "core/file.h"

namespace causeway {
namespace {
std::string to_hex(const XXH128_hash_t& h) {
  return fmt::format("{:016x}{:016x}", h.high64, h.low64);
}
}  // namespace

std::string hash_hex(std::span<const std::byte> bytes) {
  return to_hex(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string hash_hex(std::string_view text) { return hash_hex(std::as_bytes(std::span(text))); }

struct Hasher::State {
  XXH3_state_t* xxh = XXH3_createState();
  ~State() { XXH3_freeState(xxh); }
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  CHECK(state_->xxh != nullptr, "no memory for a hash");
  XXH3_128bits_reset(state_->xxh);
}

Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}

std::string Hasher::hex() const { return to_hex(XXH3_128bits_digest(state_->xxh)); }

std::string hash_file(const std::filesystem::path& path, std::string_view family) {
  // Read, not mapped: a bad sector then is an error to handle and not a SIGBUS.
  Hasher hasher;
  read_pieces(path, family, [&](std::span<const std::byte> piece) { hasher.update(piece); });
  return hasher.hex();
}

}  // namespace causeway
