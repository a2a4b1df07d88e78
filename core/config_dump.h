// A Config as text: the resolved file of a run, the reference in docs/config.md, and the
// differences that decide whether a run may be resumed. Loops over config_fields().
#pragma once
#include <string>
#include <vector>

#include "core/config.h"

namespace causeway {

/// Every key with its value; loading the text gives the same Config, bit for bit.
std::string to_yaml(const Config& config);

/// The reference of all keys, one table per section; docs/config.md is this text.
std::string config_markdown();

struct FieldDifference {
  std::string key;  ///< "optimizer.lr"
  std::string before, now;
  bool allowed_on_resume;
};

/// The keys whose values differ, in the order of the field list. Compare resolved configs.
std::vector<FieldDifference> differences(const Config& before, const Config& now);

/// What resolve() had to leave `auto` and must not change within a run (vocab_size, decay_steps)
/// takes the value it got when the run began. Call between resolve() and differences().
void keep_resolved(Config& now, const Config& before);

}  // namespace causeway
