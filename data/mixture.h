// Several data sets as one, by weights: "0.7*datasets/a + 0.3*datasets/b". Read next: loader.h.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace causeway {

struct MixtureSource {
  double weight = 1;
  std::string source;
};

/// The parts of a data.source that is a mixture; none: it is not. Throws data.mixture where it
/// looks like one and is none.
std::vector<MixtureSource> mixture_in(const std::string& source);

/// Opens each part and puts them together. Throws data.mixture where tokenizers differ, naming
/// both.
Dataset open_mixture(const std::vector<MixtureSource>& mixture, const DataConfig& config,
                     const std::function<Dataset(const DataConfig&)>& open);

}  // namespace causeway
