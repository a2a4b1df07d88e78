// See trace.h.
#include "train/trace.h"

#include "core/file.h"
#include "core/json.h"
#include "train/measure.h"

namespace causeway {

void Trace::beat(Activity activity, int64_t step, int bucket) {
  wait_for_device_();
  const double now = now_seconds();
  if (first_ == 0) first_ = since_ = now;
  if (bucket >= 0) {
    const int row = 1 + static_cast<int>(in_flight_.size());
    in_flight_.push_back({fmt::format("bucket {}, step {}", bucket, step), row, now, now});
    return;
  }
  if (activity == activity_) return;
  events_.push_back({std::string(activity_name(activity_)), 0, since_, now});
  if (activity_ == Activity::Exchanging) {  // everything has arrived
    for (Event& event : in_flight_) event.end = now;
    events_.insert(events_.end(), in_flight_.begin(), in_flight_.end());
    in_flight_.clear();
  }
  activity_ = activity, since_ = now;
}

void Trace::end() {
  wait_for_device_();
  events_.push_back({std::string(activity_name(activity_)), 0, since_, now_seconds()});
}

void Trace::write(const std::filesystem::path& path) const {
  Json events = Json::array();
  for (const Event& e : events_)
    events.push_back({{"name", e.name},
                      {"ph", "X"},
                      {"pid", rank_},
                      {"tid", e.row},
                      {"ts", 1e6 * (e.begin - first_)},
                      {"dur", 1e6 * (e.end - e.begin)}});
  replace_file(path, Json{{"traceEvents", events}}.dump() + "\n");
}

}  // namespace causeway
