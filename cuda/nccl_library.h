// NCCL's functions, found when they are first needed, so that a program built with its header runs
// where the library is not installed. Read next: comm_nccl.cpp.
#pragma once
#include <dlfcn.h>
#include <nccl.h>

#include "core/error.h"

namespace causeway::cuda {

/// The library stays loaded to the end: its threads may outlive this handle.
class NcclLibrary {
 public:
  /// Throws Error "device.no_nccl".
  NcclLibrary() = default;

 private:
  static void* open() {
    for (const char* name : {"libnccl.so.2", "libnccl.so"})
      if (void* const library = ::dlopen(name, RTLD_NOW | RTLD_NODELETE)) return library;
    throw Error({.id = "device.no_nccl",
                 .where = "",
                 .what = fmt::format("NCCL cannot be loaded: {}", ::dlerror()),
                 .remedy = "install it (libnccl2), or let LD_LIBRARY_PATH name its folder"});
  }

  template <class Function>
  Function* find(const char* name) const {
    if (void* const symbol = ::dlsym(library_, name)) return reinterpret_cast<Function*>(symbol);
    throw Error({.id = "device.no_nccl",
                 .where = "",
                 .what = fmt::format("this NCCL has no {}", name),
                 .remedy = fmt::format("install {}.{} or later", NCCL_MAJOR, NCCL_MINOR)});
  }

  void* library_ = open();

 public:
  // Named as in nccl.h, without "nccl".
  decltype(&ncclGetVersion) get_version = find<decltype(ncclGetVersion)>("ncclGetVersion");
  decltype(&ncclGetErrorString) error_string =
      find<decltype(ncclGetErrorString)>("ncclGetErrorString");
  decltype(&ncclGetUniqueId) get_unique_id = find<decltype(ncclGetUniqueId)>("ncclGetUniqueId");
  decltype(&ncclCommInitRank) comm_init_rank = find<decltype(ncclCommInitRank)>("ncclCommInitRank");
  decltype(&ncclCommAbort) comm_abort = find<decltype(ncclCommAbort)>("ncclCommAbort");
  decltype(&ncclCommDestroy) comm_destroy = find<decltype(ncclCommDestroy)>("ncclCommDestroy");
  decltype(&ncclCommGetAsyncError) comm_get_async_error =
      find<decltype(ncclCommGetAsyncError)>("ncclCommGetAsyncError");
  decltype(&ncclGroupStart) group_start = find<decltype(ncclGroupStart)>("ncclGroupStart");
  decltype(&ncclGroupEnd) group_end = find<decltype(ncclGroupEnd)>("ncclGroupEnd");
  decltype(&ncclSend) send = find<decltype(ncclSend)>("ncclSend");
  decltype(&ncclRecv) recv = find<decltype(ncclRecv)>("ncclRecv");
  decltype(&ncclAllGather) all_gather = find<decltype(ncclAllGather)>("ncclAllGather");
};

}  // namespace causeway::cuda
