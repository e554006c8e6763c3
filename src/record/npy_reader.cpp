// The header of a .npy file is a Python dictionary of three known keys; it is read by hand, and
// anything else in it is refused. Format: numpy.org, numpy.lib.format.
#include "record/npy_reader.h"

#include <bit>
#include <charconv>
#include <concepts>
#include <cstring>
#include <limits>
#include <utility>

#include "moe/error.h"
#include "record/files.h"

namespace moe::record {
namespace {

static_assert(std::endian::native == std::endian::little, ".npy data is read as it lies in memory");

[[noreturn]] void fail(const std::string& name, const std::string& why,
                       const std::string& remedy = "save it with np.save()") {
  throw Error(ErrorKind::usage, name, why, remedy);
}

/// Walks over the dictionary "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".
class Dictionary {
 public:
  Dictionary(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  void read(NpyArray& array) {
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !std::exchange(has_type, true)) {
        array.type = type();
      } else if (key == "fortran_order" && !std::exchange(has_order, true)) {
        require_c_order();
      } else if (key == "shape" && !std::exchange(has_shape, true)) {
        array.shape = shape();
      } else {
        malformed();
      }
      if (!accept(',') && !next_is('}')) malformed();
    }
    if (!has_type || !has_order || !has_shape) malformed();
  }

 private:
  [[noreturn]] void malformed() const { fail(name_, "its .npy header cannot be read"); }

  bool next_is(char c) {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\n'))
      text_.remove_prefix(1);
    return !text_.empty() && text_.front() == c;
  }
  bool accept(char c) {
    const bool found = next_is(c);
    if (found) text_.remove_prefix(1);
    return found;
  }
  void expect(char c) {
    if (!accept(c)) malformed();
  }

  std::string quoted() {
    const char quote = next_is('"') ? '"' : '\'';
    expect(quote);
    const std::size_t end = text_.find(quote);
    if (end == std::string_view::npos) malformed();
    std::string word(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return word;
  }

  std::string type() {
    if (next_is('[')) fail(name_, "an array of records", "save one plain array per file");
    return quoted();
  }

  void require_c_order() {
    next_is(' ');  // skips blanks
    if (text_.starts_with("True")) {
      fail(name_, "it lies in Fortran order", "save np.ascontiguousarray(array)");
    }
    if (!text_.starts_with("False")) malformed();
    text_.remove_prefix(5);
  }

  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> dims;
    expect('(');
    while (!accept(')')) {
      next_is(' ');
      std::int64_t dim = -1;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), dim);
      if (error != std::errc() || dim < 0) malformed();
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      dims.push_back(dim);
      if (!accept(',') && !next_is(')')) malformed();
    }
    return dims;
  }

  std::string_view text_;
  const std::string& name_;
};

/// The dictionary, and behind it the data.
std::pair<std::string_view, std::string_view> split(std::string_view bytes,
                                                    const std::string& name) {
  constexpr std::string_view kMagic = "\x93NUMPY";
  if (!bytes.starts_with(kMagic)) fail(name, "not a .npy file");
  if (bytes.size() < 12) fail(name, "cut off inside its header");
  const auto byte = [&](std::size_t at) {
    return std::size_t{static_cast<unsigned char>(bytes[at])};
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) {
    fail(name, ".npy format version " + std::to_string(version) + "; 1 to 3 are read");
  }
  const std::size_t begin = version == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (bytes.size() - begin < length) fail(name, "cut off inside its header");
  return {bytes.substr(begin, length), bytes.substr(begin + length)};
}

/// Bytes of one element, 0 for a type that is not read.
std::size_t element_bytes(const std::string& type) {
  for (const char* known : {"|i1", "|u1", "<i1", "<u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8",
                            "<f2", "<f4", "<f8"}) {
    if (type == known) return static_cast<std::size_t>(type[2] - '0');
  }
  return 0;
}

/// Whether `bytes` is what an array of this shape needs. Products may not fit 64 bits.
bool length_fits(const NpyArray& array, std::size_t bytes) {
  for (const std::int64_t dim : array.shape) {
    if (dim == 0) return bytes == 0;
  }
  std::size_t left = bytes / element_bytes(array.type);
  if (left * element_bytes(array.type) != bytes) return false;
  for (const std::int64_t dim : array.shape) {
    const auto divisor = static_cast<std::size_t>(dim);
    if (left % divisor != 0) return false;
    left /= divisor;
  }
  return left == 1;
}

template <class Stored, class Work>
void for_each_value(const NpyArray& array, Work&& work) {
  for (std::size_t at = 0; at < array.data.size(); at += sizeof(Stored)) {
    Stored value;
    std::memcpy(&value, array.data.data() + at, sizeof value);
    work(value);
  }
}

template <std::integral Stored>
void append_integers(const NpyArray& array, std::vector<std::int32_t>& values) {
  for_each_value<Stored>(array, [&](Stored value) {
    if (!std::in_range<std::int32_t>(value)) {
      fail(array.name, "the value " + std::to_string(value) + " does not fit 32 bits", "");
    }
    values.push_back(static_cast<std::int32_t>(value));
  });
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000u} << 16, fraction = half & 0x3ffu;
  const std::uint32_t exponent = half >> 10 & 0x1fu;
  constexpr float kSubnormalStep = 0x1p-24f;
  if (exponent == 0)
    return (sign != 0 ? -1.0f : 1.0f) * static_cast<float>(fraction) * kSubnormalStep;
  const std::uint32_t biased = exponent == 31 ? 255 : exponent + 127 - 15;
  return std::bit_cast<float>(sign | biased << 23 | fraction << 13);
}

}  // namespace

NpyArray parse_npy(std::string_view bytes, const std::string& name) {
  const auto [dictionary, data] = split(bytes, name);
  NpyArray array{.name = name};
  Dictionary(dictionary, name).read(array);
  if (element_bytes(array.type) == 0) {
    fail(name, "its type '" + array.type.substr(0, 20) + "' is not read",
         "convert it to int32 or float32 before np.save()");
  }
  if (!length_fits(array, data.size())) {
    fail(name, std::to_string(data.size()) + " bytes of data are not what its shape needs",
         "copy or save the file again");
  }
  array.data = data;
  return array;
}

NpyArray read_npy(const std::filesystem::path& file) {
  return parse_npy(read_file(file), file.string());
}

std::vector<std::int32_t> NpyArray::integers() const {
  std::vector<std::int32_t> values;
  values.reserve(data.size() / element_bytes(type));
  const std::string kind = type.substr(1);
  if (kind == "i1") append_integers<std::int8_t>(*this, values);
  if (kind == "u1") append_integers<std::uint8_t>(*this, values);
  if (kind == "i2") append_integers<std::int16_t>(*this, values);
  if (kind == "u2") append_integers<std::uint16_t>(*this, values);
  if (kind == "i4") append_integers<std::int32_t>(*this, values);
  if (kind == "u4") append_integers<std::uint32_t>(*this, values);
  if (kind == "i8") append_integers<std::int64_t>(*this, values);
  if (kind == "u8") append_integers<std::uint64_t>(*this, values);
  if (kind[0] == 'f') fail(name, "floats where integers are wanted", "save ids as int32");
  return values;
}

std::vector<float> NpyArray::floats() const {
  std::vector<float> values;
  values.reserve(data.size() / element_bytes(type));
  const auto add = [&](auto value) { values.push_back(static_cast<float>(value)); };
  if (type == "<f2") {
    for_each_value<std::uint16_t>(*this, [&](std::uint16_t half) { add(half_to_float(half)); });
  } else if (type == "<f4") {
    for_each_value<float>(*this, add);
  } else if (type == "<f8") {
    for_each_value<double>(*this, add);
  } else {
    fail(name, "integers where floats are wanted", "save scores as float32");
  }
  return values;
}

}  // namespace moe::record
