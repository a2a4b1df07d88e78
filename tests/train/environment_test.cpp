// What a control group lends, read from folders made by hand.
#include "train/environment.h"

#include "tests/train/temp_folder.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {

TEST_CASE("a control group lends what it has not used, and the tightest of those above counts") {
  const TempFolder root;
  const auto group = [&](const char* name, const char* cpus, const char* most, const char* used,
                         const char* file_pages) {
    const auto folder = root / name;
    std::filesystem::create_directories(folder);
    write_text(folder / "cpu.max", cpus);
    write_text(folder / "memory.max", most);
    write_text(folder / "memory.current", used);
    write_text(folder / "memory.stat",
               std::string("anon 7\nfile 9\nactive_file 5\ninactive_file ") + file_pages + "\n");
  };
  CHECK(!read_control_groups(root.path(), "/").memory);

  group("outer", "150000 100000", "10000000", "9000000", "2000000");
  group("outer/inner", "max 100000", "5000000", "1000000", "0");
  const GroupLimits inner = read_control_groups(root.path(), "/outer/inner");
  CHECK(inner.cpus == 1.5);
  CHECK(inner.memory == 5'000'000);
  CHECK(inner.memory_free == 3'000'000);  // of the outer: 10 − (9 − 2) MB

  group("outer/inner", "50000 100000", "max", "1000000", "0");
  CHECK(read_control_groups(root.path(), "/outer/inner").memory == 10'000'000);
  CHECK(read_control_groups(root.path(), "/outer/inner").cpus == 0.5);

  group("full", "max", "1000000", "1200000", "0");
  CHECK(read_control_groups(root.path(), "/full").memory_free == 4096);  // 0 would mean unknown
}

}  // namespace causeway::test
