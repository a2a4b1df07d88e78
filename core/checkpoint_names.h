// The names in a checkpoints folder, and moving between them. For checkpoint*.cpp alone.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace causeway::checkpoint_names {

inline constexpr std::string_view kTemporary = ".tmp-";  // being written
inline constexpr std::string_view kReplaced = ".old-";   // by a later save of the same step
inline constexpr std::string_view kTrash = ".trash-";    // being deleted
inline constexpr std::string_view kBad = "bad-";         // damaged, set aside
inline constexpr const char* kLatest = "latest";

/// The step of "step-00001000"; nothing for any other name.
std::optional<int64_t> parse_step(const std::string& name);

/// <prefix><name>-<process id>: a name that says whether its owner lives.
std::filesystem::path owned_path(const std::filesystem::path& folder, std::string_view prefix,
                                 const std::string& name);

/// Whether the process whose id ends `name` is gone, or never was. The own id counts as gone: at
/// start this process owns nothing yet, and containers hand out the same id again and again.
bool owner_is_gone(const std::string& name);

/// The names in a folder, sorted; none when it does not exist. Throws Error "disk.*".
std::vector<std::string> names_in(const std::filesystem::path& folder);

/// Deletes a folder or file. Throws Error "disk.*".
void delete_all(const std::filesystem::path& path);

/// Renames to .trash-… and deletes: a power cut leaves no half folder under its old name.
void discard(const std::filesystem::path& folder);

/// Renames step-X to bad-step-X, or bad-step-X-2 … where that is taken. Returns the new path.
std::filesystem::path set_aside(const std::filesystem::path& folder);

}  // namespace causeway::checkpoint_names
