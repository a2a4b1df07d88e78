// See progress.h.
#include "train/progress.h"

namespace causeway {

std::string_view activity_name(Activity activity) {
  switch (activity) {
    case Activity::Starting:
      return "starting";
    case Activity::Computing:
      return "computing";
    case Activity::Exchanging:
      return "waiting for gradients";
    case Activity::Updating:
      return "updating";
    case Activity::Sharing:
      return "waiting for parameters";
    case Activity::Evaluating:
      return "evaluating";
    case Activity::Sampling:
      return "sampling";
    case Activity::Leaving:
      return "leaving";
    case Activity::Saving:
      return "saving";
  }
  return "";
}

}  // namespace causeway
