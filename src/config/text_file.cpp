// At most one byte more than the limit is ever read, so that an endless file (/dev/zero) ends too.
#include "config/text_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "moe/error.h"

namespace moe::config {

std::string read_text_file(const std::filesystem::path& path) {
  constexpr std::size_t kLimitBytes = std::size_t{16} << 20;
  const std::string failed = "cannot read " + path.string();
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw Error(ErrorKind::usage, failed, "it is a folder", "name a file inside it");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorKind::usage, failed, errno == 0 ? "it cannot be opened" : std::strerror(errno),
                "check the path and its permissions");
  }
  std::string text;
  char block[1 << 16];
  while (text.size() <= kLimitBytes && (file.read(block, sizeof block), file.gcount() > 0)) {
    text.append(block, static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) throw Error(ErrorKind::usage, failed, "reading stopped with an error");
  if (text.size() > kLimitBytes) {
    throw Error(ErrorKind::usage, failed, "it is larger than 16 MiB", "is it a config file?");
  }
  return text;
}

}  // namespace moe::config
