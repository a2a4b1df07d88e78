// PlanBackend: the backend of the measuring pass. It checks every operation's shapes and touches no
// memory, so that a step of any size can be planned on a machine that could never run it.
// Read next: arena.h, train/plan.cpp.
#pragma once
#include <memory>

#include "core/backend.h"

namespace causeway {

/// `real`: what will run, told by prepare() of all that is to come; null to only check.
std::unique_ptr<Backend> make_plan_backend(Preparation* real);

}  // namespace causeway
