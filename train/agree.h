// What must hold among ranks before they train together. Read next: trainer_open.cpp.
#pragma once
#include <string>

#include "core/comm.h"
#include "core/config.h"
#include "train/environment.h"

namespace causeway {

/// W ranks compute L / W lanes each. Throws Error "config.ranks", naming sizes that work, where
/// they do not divide them. `config` must be resolved.
void require_lanes_for(const Config& config, int ranks);

/// Throws Error "config.ranks_differ", naming the differences, unless all ranks were given the same
/// config (but for threads and where the data lies) and data, and have the same of all that decides
/// bits: program, libraries, and GPU model or instruction set.
void agree_on_run(Communicator& comm, const Config& config, const Environment& environment,
                  const std::string& data_hash);

}  // namespace causeway
