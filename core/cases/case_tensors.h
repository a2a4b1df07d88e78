// CaseTensors: the memory of an OpCase on one backend, filled and fenced. Read next: op_case.h.
#pragma once
#include <map>
#include <vector>

#include "core/buffer.h"
#include "core/cases/op_case.h"

namespace causeway {

/// Separate: aliases of the case are given memory of their own (what the result must equal).
enum class Aliasing : uint8_t { AsDeclared, Separate };

class CaseTensors {
 public:
  struct Options {
    Precision precision;  ///< dtypes of the tensors
    Precision rounding;   ///< values are first rounded to these, so that an f64 tensor can hold
                          ///< exactly what a bf16 one holds
    Aliasing aliasing = Aliasing::AsDeclared;
    int64_t repeat = 0;  ///< fills repeat after so many elements, in whole rows; 0: they do not.
                         ///< For large tensors, whose values matter only in that they are ordinary
  };

  /// Read tensors get their fill; written ones NaN, unless they accumulate onto a fill. Everything
  /// around a tensor's elements, padding included, is NaN (all bits set).
  CaseTensors(Backend& backend, const OpCase& c, const Options& options);

  /// An absent tensor for a name the case lacks.
  Tensor operator[](std::string_view name) const;
  /// The elements in index order; the real parts of c128.
  std::vector<double> values(std::string_view name) const;
  /// Rounds as the constructor does.
  void set(std::string_view name, const std::vector<double>& values);
  /// The memory of all tensors, what lies around their elements included.
  std::vector<Tensor> storage() const;
  /// Whether all memory around the tensor's elements is as the constructor left it.
  bool fence_intact(std::string_view name) const;

 private:
  struct Slot {
    Buffer memory;
    Tensor storage;  ///< all of the memory, dense
    Tensor tensor;   ///< the slice that the operation sees
    DType rounding;
  };
  void add(const TensorSpec& spec, const Options& options, const RandomStream& stream);
  const Slot& slot(std::string_view name) const;

  Backend& backend_;
  std::map<std::string, Slot, std::less<>> slots_;
  std::map<std::string, std::string, std::less<>> alias_;
};

}  // namespace causeway
