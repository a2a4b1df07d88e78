// A trace tells when the device was done, not when the host had enqueued. Read next: train/trace.h.
#include "train/trace.h"

#include <chrono>
#include <thread>

#include "core/json.h"
#include "tests/train/temp_folder.h"

// Catch2's CHECK, not ours: last.
#include "tests/catch.h"

namespace causeway::test {
namespace {

/// A device with work that takes `ms` more once somebody waits for it.
struct SlowDevice {
  int ms = 0;
  void wait() {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    ms = 0;
  }
};

/// Milliseconds of the event called `name`.
double duration(const Json& trace, const std::string& name) {
  for (const Json& event : trace["traceEvents"])
    if (event["name"] == name) return event["dur"].get<double>() / 1000;
  return -1;
}

}  // namespace

TEST_CASE("what a device still computes counts as computing, and its waits as waiting") {
  const TempFolder folder;
  SlowDevice device;
  Trace trace(0, [&] { device.wait(); });
  trace.beat(Activity::Computing, 1, -1);
  device.ms = 60;  // the backward pass up to a bucket, enqueued in no time
  trace.beat(Activity::Computing, 1, 4);
  device.ms = 40;  // the rest of it
  trace.beat(Activity::Exchanging, 1, -1);
  device.ms = 150;  // until the others' gradients arrive
  trace.beat(Activity::Updating, 1, -1);
  device.ms = 20;
  trace.end();
  trace.write(folder / "trace.json");
  const Json json = Json::parse(read_text(folder / "trace.json"));
  CHECK(duration(json, "computing") >= 100);
  CHECK(duration(json, "waiting for gradients") >= 150);
  CHECK(duration(json, "updating") >= 20);
  // In flight from when its gradients were there to when the others' were.
  CHECK(duration(json, "bucket 4, step 1") >= 40 + 150);
  CHECK(duration(json, "bucket 4, step 1") <=
        duration(json, "computing") + duration(json, "waiting for gradients") - 60);
}

}  // namespace causeway::test
