// Reading .npy: every type, what np.save() itself writes, and files that are not what they claim.
#include "record/npy_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "moe/error.h"
#include "record/npy.h"
#include "record/scratch_folder.h"

namespace moe::record {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Shape = std::vector<std::int64_t>;

/// A file of version 1 with this dictionary.
std::string file_of(const std::string& dictionary, const std::string& data) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(dictionary.size() & 0xff);
  bytes += static_cast<char>(dictionary.size() >> 8);
  return bytes + dictionary + data;
}

template <class Element>
std::string array_of(const std::string& type, const std::vector<Element>& values) {
  const std::string shape = "(" + std::to_string(values.size()) + ",)";
  const std::string data(reinterpret_cast<const char*>(values.data()),
                         values.size() * sizeof(Element));
  return file_of("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n",
                 data);
}

std::string refusal(const std::string& bytes) {
  try {
    parse_npy(bytes, "a.npy");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

TEST(ReadNpy, ReadsWhatWeWrite) {
  const ScratchFolder folder;
  const float floats[] = {0.5f, -1.0f, 2.0f, 3.25f, 1e-30f, -7.0f};
  const std::int32_t integers[] = {-1, 2, 2147483647};
  write_npy(folder.path() / "f.npy", floats, {3, 1, 2});
  write_npy(folder.path() / "i.npy", integers, {3});
  write_npy(folder.path() / "none.npy", floats, {0, 2});
  const NpyArray array = read_npy(folder.path() / "f.npy");
  EXPECT_EQ(array.shape, (Shape{3, 1, 2}));
  EXPECT_THAT(array.floats(), ElementsAre(0.5f, -1.0f, 2.0f, 3.25f, 1e-30f, -7.0f));
  EXPECT_THAT(read_npy(folder.path() / "i.npy").integers(), ElementsAre(-1, 2, 2147483647));
  EXPECT_EQ(read_npy(folder.path() / "none.npy").shape, (Shape{0, 2}));
  EXPECT_TRUE(read_npy(folder.path() / "none.npy").floats().empty());
}

TEST(ReadNpy, ReadsEveryIntegerType) {
  const auto values = [](const std::string& bytes) { return parse_npy(bytes, "a.npy").integers(); };
  EXPECT_THAT(values(array_of<std::int8_t>("|i1", {-3, 7})), ElementsAre(-3, 7));
  EXPECT_THAT(values(array_of<std::uint8_t>("|u1", {250, 7})), ElementsAre(250, 7));
  EXPECT_THAT(values(array_of<std::int16_t>("<i2", {-300, 7})), ElementsAre(-300, 7));
  EXPECT_THAT(values(array_of<std::uint16_t>("<u2", {60000, 7})), ElementsAre(60000, 7));
  EXPECT_THAT(values(array_of<std::int32_t>("<i4", {-70000, 7})), ElementsAre(-70000, 7));
  EXPECT_THAT(values(array_of<std::uint32_t>("<u4", {70000, 7})), ElementsAre(70000, 7));
  EXPECT_THAT(values(array_of<std::int64_t>("<i8", {-70000, 7})), ElementsAre(-70000, 7));
  EXPECT_THAT(values(array_of<std::uint64_t>("<u8", {70000, 7})), ElementsAre(70000, 7));
  EXPECT_THROW(values(array_of<std::int64_t>("<i8", {1ll << 31})), Error);
  EXPECT_THROW(values(array_of<std::uint32_t>("<u4", {1u << 31})), Error);
  EXPECT_THROW(values(array_of<float>("<f4", {1})), Error);
}

TEST(ReadNpy, ReadsEveryFloatType) {
  const auto values = [](const std::string& bytes) { return parse_npy(bytes, "a.npy").floats(); };
  EXPECT_THAT(values(array_of<float>("<f4", {0.1f, -2})), ElementsAre(0.1f, -2));
  EXPECT_THAT(values(array_of<double>("<f8", {0.1, -2})), ElementsAre(0.1f, -2));
  // 1, -2, 65504, the smallest normal and the smallest subnormal, -0
  EXPECT_THAT(
      values(array_of<std::uint16_t>("<f2", {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000})),
      ElementsAre(1, -2, 65504, 0x1p-14f, 0x1p-24f, 0));
  const auto special = values(array_of<std::uint16_t>("<f2", {0x7c00, 0x7e00}));
  EXPECT_EQ(special[0], INFINITY);
  EXPECT_TRUE(std::isnan(special[1]));
  EXPECT_THROW(values(array_of<std::int32_t>("<i4", {1})), Error);
}

TEST(ReadNpy, TakesKeysInAnyOrderAndLaterVersions) {
  const std::string dictionary = "{\"shape\": (2,1), \"descr\":\"|u1\",\"fortran_order\":False}";
  EXPECT_EQ(parse_npy(file_of(dictionary, "ab"), "a.npy").shape, (Shape{2, 1}));
  const std::string plain = array_of<std::uint8_t>("|u1", {1, 2});
  for (const char version : {2, 3}) {
    std::string bytes = plain.substr(0, 10) + std::string(2, '\0') + plain.substr(10);
    bytes[6] = version;
    EXPECT_THAT(parse_npy(bytes, "a.npy").integers(), ElementsAre(1, 2));
  }
  EXPECT_EQ(
      parse_npy(file_of("{'descr':'|u1','fortran_order':False,'shape':()}", "a"), "a.npy").shape,
      Shape{});
}

TEST(ReadNpy, RefusesWhatItCannotRead) {
  const auto with = [](const std::string& type, const std::string& order, const std::string& shape,
                       const std::string& data = "abcd") {
    return refusal(file_of(
        "{'descr': " + type + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }", data));
  };
  EXPECT_EQ(with("'|u1'", "False", "(4,)"), "no error");
  EXPECT_THAT(refusal(""), HasSubstr("a.npy: not a .npy file"));
  EXPECT_THAT(refusal("PK\x03\x04 an .npz archive"), HasSubstr("not a .npy file"));
  EXPECT_THAT(with("'>i4'", "False", "(1,)"), HasSubstr("type '>i4' is not read"));
  EXPECT_THAT(with("'<c8'", "False", "(1,)"), HasSubstr("type '<c8' is not read"));
  EXPECT_THAT(with("[('a', '<i4')]", "False", "(1,)"), HasSubstr("an array of records"));
  EXPECT_THAT(with("'<i4'", "True", "(1,)"), HasSubstr("Fortran order"));
  EXPECT_THAT(with("'<i4'", "Maybe", "(1,)"), HasSubstr("header cannot be read"));
  EXPECT_THAT(with("'<i4'", "False", "(-1,)"), HasSubstr("header cannot be read"));
  EXPECT_THAT(with("'<i4'", "False", "(1 2)"), HasSubstr("header cannot be read"));
  EXPECT_THAT(with("'<i4'", "False", "(99999999999999999999,)"), HasSubstr("cannot be read"));
  EXPECT_THAT(with("'<i4'", "False", "(2,)"), HasSubstr("4 bytes of data are not what"));
  EXPECT_THAT(with("'<i4'", "False", "(0,)"), HasSubstr("4 bytes of data are not what"));
  EXPECT_THAT(with("'<i4'", "False", "(1,), 'shape': (1,)"), HasSubstr("cannot be read"));
  EXPECT_THAT(refusal(file_of("{'descr': '<i4'}", "abcd")), HasSubstr("cannot be read"));
  std::string future = array_of<std::uint8_t>("|u1", {1});
  future[6] = 4;
  EXPECT_THAT(refusal(future), HasSubstr("version 4"));
}

TEST(ReadNpy, RefusesClaimsThatOverflow) {
  for (const char* shape : {"(9223372036854775807, 9223372036854775807)",
                            "(4294967296, 4294967296)", "(4611686018427387904, 4)"}) {
    EXPECT_THAT(
        refusal(file_of(
            "{'descr': '<i4', 'fortran_order': False, 'shape': " + std::string(shape) + "}", "")),
        HasSubstr("0 bytes of data are not what"));
  }
}

TEST(ReadNpy, EveryCutIsRefused) {
  const std::string bytes = array_of<float>("<f4", {1, 2, 3});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_NE(refusal(bytes.substr(0, length)), "no error") << length;
  }
  EXPECT_NE(refusal(bytes + "x"), "no error");
}

TEST(ReadNpy, ReadsWhatNumpyWrites) {
  if (std::system("python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "no NumPy here";
  const ScratchFolder folder;
  const std::string command =
      "cd '" + folder.path().string() +
      "' && python3 -c \"import numpy as np\n"
      "np.save('ids.npy', np.arange(6, dtype=np.int64).reshape(3, 2))\n"
      "np.save('half.npy', np.array([0.5, -0.25], dtype=np.float16))\n"
      "np.save('fortran.npy', np.asfortranarray(np.ones((2, 3), dtype=np.float32)))\"";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(read_npy(folder.path() / "ids.npy").shape, (Shape{3, 2}));
  EXPECT_THAT(read_npy(folder.path() / "ids.npy").integers(), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(read_npy(folder.path() / "half.npy").floats(), ElementsAre(0.5f, -0.25f));
  EXPECT_THROW(read_npy(folder.path() / "fortran.npy"), Error);
}

}  // namespace
}  // namespace moe::record
