// What a control group lends, read from folders made by hand.
#include "train/environment.h"

#include <map>

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
  const auto limits_of = [&](const std::string& membership) {
    write_text(root / "membership", membership + "\n");
    return read_control_groups(root.path(), root / "membership");
  };
  CHECK(!read_control_groups(root.path(), root / "none").memory);
  CHECK(!limits_of("0::/").memory);

  group("outer", "150000 100000", "10000000", "9000000", "2000000");
  group("outer/inner", "max 100000", "5000000", "1000000", "0");
  const GroupLimits inner = limits_of("0::/outer/inner");
  CHECK(inner.cpus == 1.5);
  CHECK(inner.memory == 5'000'000);
  CHECK(inner.memory_free == 3'000'000);  // of the outer: 10 − (9 − 2) MB

  group("outer/inner", "50000 100000", "max", "1000000", "0");
  CHECK(limits_of("0::/outer/inner").memory == 10'000'000);
  CHECK(limits_of("0::/outer/inner").cpus == 0.5);

  group("full", "max", "1000000", "1200000", "0");
  CHECK(limits_of("0::/full").memory_free == 4096);  // 0 would mean unknown
}

TEST_CASE("control groups of version 1 lend by the same rule") {
  const TempFolder root;
  const auto write = [&](const char* folder, const std::map<const char*, const char*>& files) {
    std::filesystem::create_directories(root / folder);
    for (const auto& [name, text] : files) write_text(root / folder / name, text);
  };
  write("memory", {{"memory.limit_in_bytes", "9223372036854771712\n"},
                   {"memory.usage_in_bytes", "8000000000\n"}});
  write("memory/job", {{"memory.limit_in_bytes", "10000000\n"},
                       {"memory.usage_in_bytes", "9000000\n"},
                       {"memory.stat", "inactive_file 5\ntotal_inactive_file 2000000\n"}});
  write("cpu/job", {{"cpu.cfs_quota_us", "150000\n"}, {"cpu.cfs_period_us", "100000\n"}});
  write("cpu", {{"cpu.cfs_quota_us", "-1\n"}, {"cpu.cfs_period_us", "100000\n"}});
  write_text(root / "membership", "5:memory:/job\n4:cpuset:/\n3:cpu,cpuacct:/job\n0::/\n");
  const GroupLimits limits = read_control_groups(root.path(), root / "membership");
  CHECK(limits.memory == 10'000'000);
  CHECK(limits.memory_free == 3'000'000);
  CHECK(limits.cpus == 1.5);
  // As a container sees it: the host's name for the group, the group itself at the root.
  write("memory", {{"memory.limit_in_bytes", "6000000\n"}, {"memory.usage_in_bytes", "1000000\n"}});
  write_text(root / "membership", "5:memory:/docker/0123\n");
  CHECK(read_control_groups(root.path(), root / "membership").memory_free == 5'000'000);
}

}  // namespace causeway::test
