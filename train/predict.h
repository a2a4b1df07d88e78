// How long a step will take on this machine, told from models of one and two layers. Read next:
// trial.h, scaling.h (what many ranks make of it).
#pragma once
#include "core/backend.h"
#include "core/config.h"
#include "train/environment.h"
#include "train/scaling.h"

namespace causeway {

/// Whether the trials of try_step fit into what the device has to offer and, at `flops` per second,
/// into a few seconds. `config` resolved.
bool can_try(Preparation& device, const Config& config, double flops, const MemoryOffer& offer);

/// What a step costs: the times of steps with one and two layers, and with one and two
/// micro-batches, continued in straight lines to the config's own numbers. `config` resolved.
StepCost try_step(Backend& ops, const Config& config);

}  // namespace causeway
