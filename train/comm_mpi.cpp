// See comm_mpi.h. The only file that includes MPI. Messages are plain sends and receives between
// pairs: what travels is what core/buckets.h cuts, and nothing is summed on the way. Only the
// training thread calls MPI.
#include "train/comm_mpi.h"

#include <mpi.h>

#include <climits>
#include <cstdlib>

#include "core/error.h"
#include "train/launch.h"

namespace causeway {
namespace {

/// Tags of tensor messages. One kind is enough: messages between a pair keep their order.
constexpr int kTensorTag = 1;

void demand(int status, const char* doing) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error({.id = "peer.lost",
               .where = "",
               .what = fmt::format("MPI failed while {}: {}", doing, std::string(text, length)),
               .remedy = "another rank or the link to it is gone; start the same command again to "
                         "resume from the newest checkpoint"});
}

/// MPI counts in int.
int count(int64_t n) {
  CHECK(n >= 0 && n <= INT_MAX, "a message of {} elements", n);
  return static_cast<int>(n);
}

MPI_Datatype mpi_type(DType dtype) {
  switch (dtype_size(dtype)) {
    case 2:
      return MPI_UINT16_T;
    case 4:
      return MPI_UINT32_T;
    default:
      CHECK(dtype_size(dtype) == 8, "{} is not sent", dtype_name(dtype));
      return MPI_UINT64_T;
  }
}

class MpiComm final : public Communicator {
 public:
  MpiComm() {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }

  std::string_view name() const override { return "mpi"; }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void start_exchange(std::span<const Tensor> incoming, std::span<const Tensor> outgoing) override {
    for (int r = 0; r < size_; ++r)
      if (r != rank_) receive(incoming[r], r);
    // Each rank begins with its neighbour, so that they do not all send to rank 0 first.
    for (int i = 1; i < size_; ++i) send(outgoing[(rank_ + i) % size_], (rank_ + i) % size_);
  }

  void start_share(const Tensor& flat, std::span<const Range> of_rank) override {
    for (int r = 0; r < size_; ++r)
      if (r != rank_) receive(part(flat, of_rank[r]), r);
    for (int i = 1; i < size_; ++i) send(part(flat, of_rank[rank_]), (rank_ + i) % size_);
  }

  void progress() override {
    int done = 0;
    demand(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done,
                       MPI_STATUSES_IGNORE),
           "exchanging");
    if (done) requests_.clear();
  }

  void finish() override {
    demand(MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE),
           "exchanging");
    requests_.clear();
  }

  std::string broadcast(const std::string& text) override {
    uint64_t length = text.size();
    demand(MPI_Bcast(&length, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD), "broadcasting");
    std::string out = rank_ == 0 ? text : std::string(length, '\0');
    demand(MPI_Bcast(out.data(), count(static_cast<int64_t>(length)), MPI_BYTE, 0, MPI_COMM_WORLD),
           "broadcasting");
    return out;
  }

  std::vector<std::string> gather(const std::string& text) override {
    const int length = count(static_cast<int64_t>(text.size()));
    std::vector<int> lengths(size_), begins(size_ + 1, 0);
    demand(MPI_Allgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, MPI_COMM_WORLD),
           "gathering");
    for (int r = 0; r < size_; ++r) begins[r + 1] = count(int64_t{begins[r]} + lengths[r]);
    std::string all(begins[size_], '\0');
    demand(MPI_Allgatherv(text.data(), length, MPI_BYTE, all.data(), lengths.data(), begins.data(),
                          MPI_BYTE, MPI_COMM_WORLD),
           "gathering");
    std::vector<std::string> by_rank;
    for (int r = 0; r < size_; ++r) by_rank.push_back(all.substr(begins[r], lengths[r]));
    return by_rank;
  }

  bool any(bool flag) override {
    const int mine = flag;
    int result = 0;
    demand(MPI_Allreduce(&mine, &result, 1, MPI_INT, MPI_LOR, MPI_COMM_WORLD), "agreeing");
    return result != 0;
  }

  // Not in the destructor: after an exception on this rank alone, MPI_Finalize would wait for ranks
  // that wait for this one. A process that ends without it makes the launcher end the others.
  void leave() override { demand(MPI_Finalize(), "leaving"); }

  int64_t bytes_sent() const override { return bytes_sent_; }

 private:
  void receive(const Tensor& t, int from) {
    if (t.numel() == 0 || !t) return;
    requests_.emplace_back();
    demand(MPI_Irecv(t.data, count(t.numel()), mpi_type(t.dtype), from, kTensorTag, MPI_COMM_WORLD,
                     &requests_.back()),
           "receiving");
  }

  void send(const Tensor& t, int to) {
    if (!t || t.numel() == 0) return;
    requests_.emplace_back();
    demand(MPI_Isend(t.data, count(t.numel()), mpi_type(t.dtype), to, kTensorTag, MPI_COMM_WORLD,
                     &requests_.back()),
           "sending");
    bytes_sent_ += static_cast<int64_t>(t.bytes());
  }

  int rank_ = 0, size_ = 1;
  std::vector<MPI_Request> requests_;
  int64_t bytes_sent_ = 0;
};

}  // namespace

void require_thread_level(int level) {
  if (level >= MPI_THREAD_FUNNELED) return;
  throw Error({.id = "usage.mpi_threads",
               .where = mpi_version(),
               .what = "this MPI gave thread level \"single\", but a rank has threads beside the "
                       "one that calls MPI",
               .remedy = "unset OMPI_MPI_THREAD_LEVEL, or use an MPI that gives "
                         "MPI_THREAD_FUNNELED (causeway doctor tells which this build has)"});
}

std::unique_ptr<Communicator> make_mpi_comm(const Launch& launch) {
  // Open MPI asks hwloc for the machine, and hwloc looks for NVIDIA's X displays, :0 to :9. Where
  // "localhost" is unknown and no name server answers, that takes it ten seconds.
  ::setenv("HWLOC_COMPONENTS", "-gl", 0);
  int level = 0;
  demand(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level), "starting");
  require_thread_level(level);
  auto comm = std::make_unique<MpiComm>();
  if (comm->size() == launch.size) return comm;
  throw Error({.id = "usage.launcher",
               .where = std::string(launcher_name(launch.launcher)),
               .what = fmt::format("{} started {} ranks, but MPI sees {}: each would train alone",
                                   launcher_name(launch.launcher), launch.size, comm->size()),
               .remedy = "with Slurm: srun --mpi=pmix causeway train …; else use the mpirun that "
                         "belongs to the MPI of this build (causeway doctor)"});
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, length);
  return all.substr(0, all.find(','));
}

}  // namespace causeway
