// What `bench` measured, as rows: for people, for programs, and to be compared, drawn and published
// later. Read next: compare.h, plot.h, page.h.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "train/bench/roof.h"

namespace causeway {

struct BenchRow {
  std::string name;   ///< "attention/B=8 … forward": op_case.h's name and the direction
  std::string dtype;  ///< of the activations: "f32", "bf16"
  Spread seconds;
  double flops = 0, bytes = 0;  ///< of one run; bytes at least
  std::string bound;            ///< which roof is the lower one: "matmul", "copy"
  Spread share;                 ///< of that roof, from pairs measured one right after the other
  std::string rival;            ///< "naive", "cuDNN"; empty: none was run
  double rival_seconds = 0;
  std::vector<double> rounds;  ///< seconds in each round

  double ratio() const { return rival_seconds / seconds.median; }  ///< above 1: the rival is slower
};

/// The roof in each round, by dtype: what the machine was like when a row took rounds[i] seconds.
using RoundRoofs = std::map<std::string, std::vector<Roof>>;

struct BenchReport {
  std::string title, device, version, date;
  std::string command;                                ///< that measures it again; without files
  std::vector<std::pair<std::string, double>> roofs;  ///< "f32 matmul" FLOP/s, "copy" bytes/s
  RoundRoofs round_roofs;
  std::vector<BenchRow> rows;

  double roof(const std::string& name) const;
};

/// The figures of a row, once for the terminal and for docs/benchmarks.md.
struct BenchColumn {
  const char* heading;
  char align;  ///< '<' or '>'
  int width;   ///< on the terminal
  std::string (*cell)(const BenchRow&);
};
const std::vector<BenchColumn>& bench_columns();
std::string roof_rate(const std::string& name, double value);  ///< "459.0 GFLOP/s"

Json to_json(const BenchReport& report);
/// Throws Error "data.bench" naming `where` when it is no such report.
BenchReport read_report(const std::string& file);
void print(const BenchReport& report);

}  // namespace causeway
