// Hashes: the published values of XXH3-128, however the bytes arrive.
#include "core/hash.h"

#include <unistd.h>

#include "core/file.h"
#include "tests/catch.h"

using namespace causeway;

TEST_CASE("hash_hex is XXH3-128 with seed 0") {
  // The hash of nothing is part of the specification of XXH3 (xxhash's own sanity checks).
  CHECK(hash_hex("") == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("a hash does not depend on the pieces") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 31 + i / 7);
  const std::string whole = hash_hex(text);
  CHECK(whole.size() == 32);
  for (const size_t piece : {1, 7, 256, 1024, 4999}) {
    Hasher hasher;
    for (size_t i = 0; i < text.size(); i += piece) hasher.update(text.substr(i, piece));
    CHECK(hasher.hex() == whole);
  }
}

TEST_CASE("hash_file reads a file of any size, and any changed byte changes the hash") {
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("causeway-hash-test-{}", ::getpid());
  // Around the size of one read, where pieces could be lost or doubled.
  for (const size_t size : {0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20}) {
    std::string text(size, 'x');
    if (size) text.back() = 'y';
    write_file(path, text);
    CHECK(hash_file(path) == hash_hex(text));
    if (size) {
      text[size / 2] = static_cast<char>(text[size / 2] ^ 1);
      CHECK(hash_file(path) != hash_hex(text));
    }
  }
  std::filesystem::remove(path);
  CHECK_THROWS_WITH(hash_file(path, "checkpoint"), Catch::Contains("error[checkpoint.missing]"));
}
