// What the bench verbs share. Read next: verb_bench.cpp, verb_bench_attention.cpp.
#pragma once
#include <vector>

#include "train/verbs.h"

namespace causeway {

double median(std::vector<double> values);

/// The config, resolved; a character vocabulary where neither config nor data name one, since speed
/// needs no data.
Config load_for_bench(const ConfigArguments& arguments);

}  // namespace causeway
