// Files that survive a crash: text is either wholly there or not at all. Throws Error{output} or,
// on reading, Error{usage}; messages carry the system's own reason.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace moe::record {

/// Writes a temporary file beside `path`, syncs it and renames it over `path`. A device or a pipe
/// is written to as it is.
void write_file(const std::filesystem::path& path, std::string_view text);
/// The same of several pieces in a row, without a copy of them.
void write_file(const std::filesystem::path& path, std::initializer_list<std::string_view> pieces);

/// Appends `line` and a newline in one write and syncs. The file is made when it is not there.
void append_line(const std::filesystem::path& path, std::string_view line);

std::string read_file(const std::filesystem::path& path);

/// Removes what killed writers left in `folder`: their temporary files. Nobody may be writing.
void remove_temporaries(const std::filesystem::path& folder);

/// Keeps other processes from writing to a folder for as long as it lives; the system releases it
/// when a process dies, however that happens.
class FolderLock {
 public:
  /// Throws Error{usage} when another process holds it.
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(FolderLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  int fd_;
};

/// Makes `folder` and proves that files can be made in it, so that a run fails before it starts.
void check_writable(const std::filesystem::path& folder);

}  // namespace moe::record
