// A config where only speed counts. Read next: verb_step.cpp, verb_data.cpp.
#pragma once
#include "train/verbs.h"

namespace causeway {

/// The config, resolved; a character vocabulary where neither config nor data name one, since speed
/// needs no data.
Config load_for_bench(const ConfigArguments& arguments);

}  // namespace causeway
