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
          .rival_seconds = number("rival_seconds"),
          .rounds = json_get<std::vector<double>>(json, "rounds", where)};
}

RoundRoofs round_roofs_from(const Json& json, const std::string& where) {
  RoundRoofs all;
  for (const auto& [dtype, roofs] : json.items()) {
    const auto flops = json_get<std::vector<double>>(roofs, "flops", where),
               bytes = json_get<std::vector<double>>(roofs, "bytes", where);
    if (flops.size() != bytes.size())
      throw_json_error(where, "has not one roof of each kind per round", "data");
    for (size_t i = 0; i < flops.size(); ++i) all[dtype].push_back({flops[i], bytes[i]});
  }
  return all;
}

Json round_roofs_json(const RoundRoofs& all) {
  Json json = Json::object();
  for (const auto& [dtype, roofs] : all) {
    std::vector<double> flops, bytes;
    for (const Roof& roof : roofs) flops.push_back(roof.flops), bytes.push_back(roof.bytes);
    json[dtype] = {{"flops", flops}, {"bytes", bytes}};
  }
  return json;
}

}  // namespace

const std::vector<BenchColumn>& bench_columns() {
  using Row = const BenchRow&;
  static const std::vector<BenchColumn> columns = {
      {"operation", '<', 57, [](Row r) { return r.name; }},
      {"dtype", '<', 5, [](Row r) { return r.dtype; }},
      {"time", '>', 9, [](Row r) { return format_time(r.seconds.median); }},
      {"±", '>', 5, [](Row r) { return fmt::format("{:.0f} %", 100 * r.seconds.noise()); }},
      {"GFLOP/s", '>', 8,
       [](Row r) { return fmt::format("{:.1f}", r.flops / r.seconds.median / 1e9); }},
      {"GB/s", '>', 6,
       [](Row r) { return fmt::format("{:.1f}", r.bytes / r.seconds.median / 1e9); }},
      {"% of roof", '>', 9, [](Row r) { return fmt::format("{:.0f}", 100 * r.share.median); }},
      {"of", '<', 6, [](Row r) { return r.bound; }},
      {"rival", '<', 0,
       [](Row r) { return r.rival.empty() ? "" : fmt::format("{:.1f}× {}", r.ratio(), r.rival); }}};
  return columns;
}

std::string roof_rate(const std::string& name, double value) {
  return fmt::format("{:.1f} {}", value / 1e9, name == "copy" ? "GB/s" : "GFLOP/s");
}

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
                    {"rival_seconds", r.rival_seconds},
                    {"rounds", r.rounds}});
  return {{"title", report.title},
          {"device", report.device},
          {"version", report.version},
          {"date", report.date},
          {"command", report.command},
          {"roofs", roofs},
          {"round_roofs", round_roofs_json(report.round_roofs)},
          {"rows", rows}};
}

BenchReport read_report(const std::string& file) {
  const Json json = parse_json(read_file(file), file);
  if (json.is_object() && json.contains("rows") && !json.contains("command"))
    throw Error({.id = "data.report",
                 .where = file,
                 .what = "this report is of an older build, whose roof and caches were measured "
                         "differently",
                 .remedy = "measure it again: causeway bench kernels --save " + file});
  const auto text = [&](const char* key) { return json_get<std::string>(json, key, file); };
  BenchReport report{.title = text("title"),
                     .device = text("device"),
                     .version = text("version"),
                     .date = text("date"),
                     .command = text("command"),
                     .roofs = {},
                     .round_roofs = {},
                     .rows = {}};
  const Json roofs = json_get<Json>(json, "roofs", file), rows = json_get<Json>(json, "rows", file);
  if (!roofs.is_object() || !rows.is_array())
    throw_json_error(file, "is no report of bench kernels --save", "data");
  for (const auto& [name, value] : roofs.items()) {
    if (!value.is_number()) throw_json_error(file, "roof " + name + " is no number", "data");
    report.roofs.emplace_back(name, value.get<double>());
  }
  report.round_roofs = round_roofs_from(json_get<Json>(json, "round_roofs", file), file);
  for (const Json& row : rows) {
    report.rows.push_back(row_from(row, file));
    const BenchRow& r = report.rows.back();
    if (r.rounds.size() != report.round_roofs[r.dtype].size())
      throw_json_error(file, "has not one time per round of " + r.name, "data");
  }
  return report;
}

void print(const BenchReport& report) {
  fmt::print("{}\n{}, {}\n{}\n", report.title, report.device, report.version, report.command);
  for (const auto& [name, value] : report.roofs)
    fmt::print("  roof: {:<12} {}\n", name, roof_rate(name, value));
  const auto line = [](const auto& cell) {
    std::string text = "\n";
    for (const BenchColumn& c : bench_columns())
      text += c.align == '<' ? fmt::format("{:<{}} ", cell(c), c.width)
                             : fmt::format("{:>{}} ", cell(c), c.width);
    return text;
  };
  std::string text = line([](const BenchColumn& c) { return std::string(c.heading); });
  for (const BenchRow& r : report.rows)
    text += line([&](const BenchColumn& c) { return c.cell(r); });
  fmt::print("{}\n", text);
}

}  // namespace causeway
