// A config where only speed counts. Read next: verb_step.cpp, verb_data.cpp.
#pragma once
#include "train/verbs.h"

namespace causeway {

/// The config without evaluation and samples, resolved as for a plan.
Config load_for_bench(const ConfigArguments& arguments);

}  // namespace causeway
