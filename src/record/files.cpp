// POSIX files: the standard streams know neither fsync nor the reason of a failure.
#include "record/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "moe/error.h"

namespace moe::record {
namespace {

constexpr const char* kTemporary = ".tmp";  // then the process id

[[noreturn]] void fail_writing(const std::filesystem::path& path, int error) {
  throw Error(ErrorKind::output, "cannot write to " + path.string(), std::strerror(error),
              "choose a folder that you may write to, with space left: --out DIR");
}

/// An open file; closes itself.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) fail_writing(path, errno);
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::write(fd_, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_writing(path_, errno);
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void sync() {
    // Special files (a pipe, /dev/stdout) cannot be synced and need not be.
    if (::fsync(fd_) != 0 && errno != EINVAL && errno != EROFS) fail_writing(path_, errno);
  }

 private:
  const std::filesystem::path& path_;
  int fd_;
};

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  std::filesystem::path temporary = path;
  temporary += kTemporary + std::to_string(::getpid());
  return temporary;
}

}  // namespace

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, {text});
}

void write_file(const std::filesystem::path& path, std::initializer_list<std::string_view> pieces) {
  std::error_code ignored;
  const auto type = std::filesystem::status(path, ignored).type();
  const bool is_special =
      type != std::filesystem::file_type::regular && type != std::filesystem::file_type::not_found;
  if (is_special) {  // a device or a pipe is written to; it must not be replaced
    Descriptor file(path, O_WRONLY);
    for (std::string_view piece : pieces) file.write(piece);
    return;
  }
  const std::filesystem::path temporary = temporary_beside(path);
  try {
    Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    for (std::string_view piece : pieces) file.write(piece);
    file.sync();
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    fail_writing(path, error);
  }
}

void append_line(const std::filesystem::path& path, std::string_view line) {
  Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND);
  file.write(std::string(line) + "\n");
  file.sync();
}

std::string read_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int error = errno;
  std::string text;
  if (fd >= 0) {
    char block[65536];
    ssize_t count = 0;
    while ((count = ::read(fd, block, sizeof block)) > 0) text.append(block, count);
    error = errno;
    ::close(fd);
    if (count == 0) return text;
  }
  throw Error(ErrorKind::usage, "cannot read " + path.string(), std::strerror(error));
}

void remove_temporaries(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string suffix = entry.path().extension().string();
    if (suffix.starts_with(kTemporary)) std::filesystem::remove(entry.path(), ignored);
  }
}

FolderLock::FolderLock(const std::filesystem::path& folder)
    : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_ < 0) fail_writing(folder, errno);
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  // File systems without locks (some network ones) are written to without.
  if (error != EWOULDBLOCK) return;
  ::close(fd_);
  throw Error(ErrorKind::usage, folder.string() + " is being written by another process", "",
              "wait until it has ended");
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

void check_writable(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail_writing(folder, error.value());
  if (!std::filesystem::is_directory(folder)) fail_writing(folder, ENOTDIR);
  const std::filesystem::path probe = temporary_beside(folder / "write_test");
  {
    const int fd = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) fail_writing(folder, errno);
    ::close(fd);
  }
  ::unlink(probe.c_str());
}

}  // namespace moe::record
