// Drives a fuzz target without libFuzzer: fuzz_X [SECONDS] [SEED], 2 s of changed seeds by default.
// The input that broke it is written to fuzz.input. Read next: fuzz.h.
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>

#include "core/philox.h"
#include "tests/fuzz/fuzz.h"

namespace {

using causeway::RandomStream;

/// One input: a seed with some bytes changed, cut out, doubled, or put in from elsewhere.
class Mutator {
 public:
  Mutator(uint64_t seed, uint64_t number)
      : stream_{seed, causeway::RandomPurpose::Test, 2, number} {}

  std::string mutate(const std::vector<std::string>& seeds) {
    std::string input = seeds[below(seeds.size())];
    for (size_t changes = below(6); changes > 0; --changes) change(input, seeds);
    return input;
  }

 private:
  size_t below(size_t n) { return n ? causeway::random_bits(stream_, next_++) % n : 0; }

  void change(std::string& input, const std::vector<std::string>& seeds) {
    static const std::string kTelling = std::string("0\"{}[],:\\ \n=\xFF\xC3\xE2-9", 18) + '\0';
    const size_t at = below(input.size() + 1), length = below(1 + below(64));
    switch (below(6)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(below(256));
        return;
      case 1:
        input.insert(at, 1, kTelling[below(kTelling.size())]);
        return;
      case 2:
        input.erase(at, length);
        return;
      case 3:
        input.insert(at, input.substr(at, length));
        return;
      case 4:
        input.resize(at);
        return;
      default: {
        const std::string& other = seeds[below(seeds.size())];
        input.insert(at, other.substr(below(other.size() + 1), length));
      }
    }
  }

  RandomStream stream_;
  uint64_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const std::vector<std::string> seeds = causeway::fuzz::seeds();
  const auto begin = std::chrono::steady_clock::now();
  uint64_t number = 0;
  while (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() <
         seconds) {
    const std::string input =
        number < seeds.size() ? seeds[number] : Mutator(seed, number).mutate(seeds);
    try {
      causeway::fuzz::run(input);
    } catch (const std::exception& e) {
      std::ofstream("fuzz.input", std::ios::binary) << input;
      std::cerr << "input " << number << " of seed " << seed << " (now fuzz.input): " << e.what()
                << "\n";
      return 1;
    }
    ++number;
  }
  std::cout << number << " inputs\n";
  return 0;
}
