// See report.h.
#include "train/bench/report.h"

#include "core/error.h"
#include "core/file.h"

namespace causeway {
namespace {

Json spread_json(const Spread& s) {
  return {{"median", s.median}, {"low", s.low}, {"high", s.high}};
}

Spread spread_from(const Json& json, const std::string& where) {
  const auto get = [&](const char* key) { return json_get<double>(json, key, where); };
  return {.median = get("median"), .low = get("low"), .high = get("high")};
}

BenchRow row_from(const Json& json, const std::string& where) {
  const auto text = [&](const char* key) { return json_get<std::string>(json, key, where); };
  const auto number = [&](const char* key) { return json_get<double>(json, key, where); };
  return {.name = text("name"),
          .dtype = text("dtype"),
          .seconds = spread_from(json_get<Json>(json, "seconds", where), where),
          .flops = number("flops"),
          .bytes = number("bytes"),
          .bound = text("bound"),
          .share = spread_from(json_get<Json>(json, "share", where), where),
          .rival = text("rival"),
          .rival_seconds = number("rival_seconds")};
}

}  // namespace

double BenchReport::roof(const std::string& name) const {
  for (const auto& [key, value] : roofs)
    if (key == name) return value;
  return 0;
}

Json to_json(const BenchReport& report) {
  Json rows = Json::array(), roofs = Json::object();
  for (const auto& [name, value] : report.roofs) roofs[name] = value;
  for (const BenchRow& r : report.rows)
    rows.push_back({{"name", r.name},
                    {"dtype", r.dtype},
                    {"seconds", spread_json(r.seconds)},
                    {"flops", r.flops},
                    {"bytes", r.bytes},
                    {"bound", r.bound},
                    {"share", spread_json(r.share)},
                    {"rival", r.rival},
                    {"rival_seconds", r.rival_seconds}});
  return {{"title", report.title}, {"device", report.device}, {"version", report.version},
          {"date", report.date},   {"roofs", roofs},          {"rows", rows}};
}

BenchReport read_report(const std::string& file) {
  const Json json = parse_json(read_file(file), file);
  const auto text = [&](const char* key) { return json_get<std::string>(json, key, file); };
  BenchReport report{.title = text("title"),
                     .device = text("device"),
                     .version = text("version"),
                     .date = text("date"),
                     .roofs = {},
                     .rows = {}};
  const Json roofs = json_get<Json>(json, "roofs", file), rows = json_get<Json>(json, "rows", file);
  if (!roofs.is_object() || !rows.is_array())
    throw_json_error(file, "is no report of bench kernels --save", "data");
  for (const auto& [name, value] : roofs.items()) {
    if (!value.is_number()) throw_json_error(file, "roof " + name + " is no number", "data");
    report.roofs.emplace_back(name, value.get<double>());
  }
  for (const Json& row : rows) report.rows.push_back(row_from(row, file));
  return report;
}

void print(const BenchReport& report) {
  fmt::print("{}\n{}, {}\n", report.title, report.device, report.version);
  for (const auto& [name, value] : report.roofs)
    fmt::print("  roof: {:<12} {:>9.1f} {}\n", name, value / 1e9,
               name == "copy" ? "GB/s" : "GFLOP/s");
  fmt::print("\n{:<58} {:<5} {:>10} {:>5} {:>9} {:>7} {:>13}  {}\n", "", "", "time", "±", "GFLOP/s",
             "GB/s", "% of roof", "rival");
  for (const BenchRow& r : report.rows)
    fmt::print("{:<58} {:<5} {:>10} {:>3.0f} % {:>9.1f} {:>7.1f} {:>5.0f} {:<7}  {}\n", r.name,
               r.dtype, format_time(r.seconds.median), 100 * r.seconds.noise(),
               r.flops / r.seconds.median / 1e9, r.bytes / r.seconds.median / 1e9,
               100 * r.share.median, r.bound,
               r.rival.empty() ? "" : fmt::format("{:.2f}× {}", r.ratio(), r.rival));
}

}  // namespace causeway
