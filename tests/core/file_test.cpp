// Files: what is written is what is read, and every failure says what, where and why.
#include "core/file.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "tests/error_of.h"

using namespace causeway;
using causeway::test::error_of;
namespace fs = std::filesystem;

namespace {

/// A folder of this test's own, removed at its end.
struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("causeway-file-test-{}", ::getpid());
  Folder() {
    fs::remove_all(path);
    make_folder(path);
  }
  ~Folder() { fs::remove_all(path); }
};

std::string text_of(const FileMap& map) {
  return {reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size()};
}

}  // namespace

TEST_CASE("a file reads back as it was written, whole, mapped and in pieces") {
  const Folder folder;
  for (const size_t size : {0, 1, 4096, (1 << 20) + 3}) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
    const fs::path path = folder.path / "a";
    write_file(path, text);
    CHECK(read_file(path) == text);
    const FileMap map(path);
    CHECK(text_of(map) == text);
    map.forget();
    CHECK(text_of(map) == text);
    std::string pieces;
    const size_t total = read_pieces(path, "data", [&](std::span<const std::byte> piece) {
      pieces.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    });
    CHECK(total == size);
    CHECK(pieces == text);
  }
}

TEST_CASE("a file map moves") {
  const Folder folder;
  write_file(folder.path / "a", "abc");
  FileMap one(folder.path / "a");
  FileMap two(std::move(one));
  CHECK(text_of(two) == "abc");
  FileMap three;
  three = std::move(two);
  CHECK(text_of(three) == "abc");
}

TEST_CASE("a file that is missing or no file is refused in the caller's family") {
  const Folder folder;
  const ErrorInfo missing = error_of([&] { read_file(folder.path / "no", "checkpoint"); });
  CHECK(missing.id == "checkpoint.missing");
  CHECK(missing.where == (folder.path / "no").string());
  CHECK(missing.what == "no such file");
  const ErrorInfo is_folder = error_of([&] { FileMap map(folder.path, "data"); });
  CHECK(is_folder.id == "data.read");
  CHECK(is_folder.what == "cannot be read: Is a directory");
}

TEST_CASE("a full disk is an error with path, bytes wanted and remedy") {
  if (!fs::exists("/dev/full")) {
    WARN("SKIPPED: no /dev/full here");
    return;
  }
  FileWriter writer("/dev/full");
  const ErrorInfo error = error_of([&] { writer.write("hello"); });
  CHECK(error.id == "disk.full");
  CHECK(error.where == "/dev/full");
  CHECK(error.what == "cannot be written (wanted 5 bytes more at byte 0): No space left on device");
  CHECK(error.remedy.find("free some space") != std::string::npos);
}

TEST_CASE("a write that is cut short says how far it came") {
  const Folder folder;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const ErrorInfo error =
      error_of([&] { write_file(folder.path / "a", std::string_view(std::string(1500, 'x'))); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(error.id == "disk.write");
  CHECK(error.what == "cannot be written (wanted 500 bytes more at byte 1000): File too large");
}

TEST_CASE("replace_file leaves the new content or the old, and no temporary file") {
  const Folder folder;
  const fs::path path = folder.path / "latest";
  replace_file(path, "one");
  replace_file(path, "two");
  CHECK(read_file(path) == "two");
  // A folder stands where the file should go: the rename fails after the writing has succeeded.
  make_folder(folder.path / "taken" / "x");
  CHECK(error_of([&] { replace_file(folder.path / "taken", "x"); }).id == "disk.write");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"latest", "taken"});
}

TEST_CASE("folders and renames that cannot be made are errors of the disk") {
  const Folder folder;
  write_file(folder.path / "file", "x");
  const ErrorInfo made = error_of([&] { make_folder(folder.path / "file" / "below"); });
  CHECK(made.id == "disk.write");
  CHECK(made.what == "cannot be created: Not a directory");
  const ErrorInfo renamed =
      error_of([&] { rename_durable(folder.path / "no", folder.path / "there"); });
  CHECK(renamed.id == "disk.write");
  CHECK(renamed.what == "cannot be renamed into place: No such file or directory");
  CHECK(error_of([&] { FileWriter w(folder.path / "no" / "a"); }).id == "disk.write");
  CHECK(error_of([&] { sync_path(folder.path / "no"); }).id == "disk.write");
}
