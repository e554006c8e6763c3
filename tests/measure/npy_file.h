// Reads .npy files by the format's own description, to check those that we write.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

namespace moe::measure {

struct NpyFile {
  std::string type;  // "<f4"
  std::vector<std::int64_t> shape;
  std::string data;

  template <class Element>
  std::vector<Element> values() const {
    std::vector<Element> all(data.size() / sizeof(Element));
    std::memcpy(all.data(), data.data(), data.size());
    return all;
  }
};

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream.good()) << path << " is missing";
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline NpyFile read_npy(const std::filesystem::path& path) {
  const std::string bytes = bytes_of_file(path);
  NpyFile file;
  if (bytes.size() < 10) return file;
  const std::size_t length =
      static_cast<unsigned char>(bytes[8]) + 256 * static_cast<unsigned char>(bytes[9]);
  const std::string header = bytes.substr(10, length);
  file.data = bytes.substr(10 + length);
  static const std::regex kHeader(
      R"(\{'descr': '([^']+)', 'fortran_order': False, 'shape': \(([0-9, ]*)\), \} *\n)");
  std::smatch match;
  EXPECT_TRUE(std::regex_match(header, match, kHeader)) << path << ": " << header;
  if (match.empty()) return file;
  file.type = match[1];
  const std::string dims = match[2];
  static const std::regex kNumber("[0-9]+");
  for (auto it = std::sregex_iterator(dims.begin(), dims.end(), kNumber);
       it != std::sregex_iterator(); ++it) {
    file.shape.push_back(std::stoll(it->str()));
  }
  return file;
}

}  // namespace moe::measure
