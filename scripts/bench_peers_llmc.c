/* Steps of llm.c's CPU trainer on batches from a file, timed. bench_peers puts this where llm.c's
   test_gpt2.c stands, in a copy of its checkout, so that it is built with llm.c's own flags.
   usage: test_gpt2 WEIGHTS.bin BATCHES.bin B T LR      Read next: bench_peers_work.py (Process). */
#define TESTING
#include "train_gpt2.c"

static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Batch number `step` of the file's int32 (steps, B, T + 1), from its start again at the end. */
static void read_batch(FILE* file, long step, int* row, int* inputs, int* targets, int B, int T) {
  const long bytes = (long)sizeof(int) * B * (T + 1);
  fseek(file, 0, SEEK_END);
  fseek(file, step % (ftell(file) / bytes) * bytes, SEEK_SET);
  for (int b = 0; b < B; ++b) {
    freadCheck(row, sizeof(int), (size_t)T + 1, file);
    memcpy(inputs + b * T, row, sizeof(int) * (size_t)T);
    memcpy(targets + b * T, row + 1, sizeof(int) * (size_t)T);
  }
}

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const int B = atoi(argv[3]), T = atoi(argv[4]);
  const float lr = (float)atof(argv[5]);
  GPT2 model;
  memset(&model, 0, sizeof model);
  gpt2_build_from_checkpoint(&model, argv[1]);
  FILE* file = fopenCheck(argv[2], "rb");
  int* row = mallocCheck(sizeof(int) * (size_t)(T + 1));
  int* inputs = mallocCheck(sizeof(int) * (size_t)(B * T));
  int* targets = mallocCheck(sizeof(int) * (size_t)(B * T));
  long step = 0;
  for (int count; scanf("%d", &count) == 1;) {
    double* seconds = mallocCheck(sizeof(double) * (size_t)count);
    float* losses = mallocCheck(sizeof(float) * (size_t)count);
    for (int i = 0; i < count; ++i, ++step) {
      read_batch(file, step, row, inputs, targets, B, T);
      const double begin = now_seconds();
      gpt2_forward(&model, inputs, targets, B, T);
      gpt2_zero_grad(&model);
      gpt2_backward(&model);
      gpt2_update(&model, lr, 0.9f, 0.95f, 1e-8f, 0.0f, (int)step + 1);
      seconds[i] = now_seconds() - begin;
      losses[i] = model.mean_loss;
    }
    printf("\n{\"seconds\": [");
    for (int i = 0; i < count; ++i) printf("%s%.9g", i ? ", " : "", seconds[i]);
    printf("], \"losses\": [");
    for (int i = 0; i < count; ++i) printf("%s%.9g", i ? ", " : "", losses[i]);
    printf("]}\n");
    fflush(stdout);
    free(seconds);
    free(losses);
  }
  gpt2_free(&model);
  return 0;
}
