// Catch2's main of the tests that need a GPU. Without one they say so and exit 9, as the program
// does; ctest counts that as skipped.
#define CATCH_CONFIG_RUNNER
#include <cuda_runtime_api.h>

#include <catch2/catch.hpp>
#include <cstdio>

int main(int argc, char** argv) {
  int devices = 0;
  const cudaError_t found = cudaGetDeviceCount(&devices);
  if (found != cudaSuccess || devices == 0) {
    std::printf("SKIPPED: no GPU: %s\n", cudaGetErrorString(found));
    return 9;
  }
  // Catch2 returns how many tests failed; nine of them are not a missing GPU.
  return Catch::Session().run(argc, argv) == 0 ? 0 : 1;
}
