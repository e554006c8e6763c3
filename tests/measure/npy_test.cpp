// .npy files: their bytes, and that NumPy itself reads them where it is installed.
#include "record/npy.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "measure/npy_file.h"
#include "moe/error.h"
#include "record/scratch_folder.h"

namespace moe::measure {
namespace {

const float kFloats[] = {0.5f, -1.0f, 2.0f, 3.25f, 1e-30f, -7.0f};
const std::int32_t kIntegers[] = {-1, 2, 2147483647};

TEST(WriteNpy, HeaderIsThatOfVersionOne) {
  const record::ScratchFolder folder;
  record::write_npy(folder.path() / "a.npy", kFloats, {2, 3});
  const std::string bytes = bytes_of_file(folder.path() / "a.npy");
  const std::string start(
      "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 69);
  EXPECT_EQ(bytes.substr(0, start.size()), start);
  EXPECT_EQ(bytes.find('\n'), 127u) << "padded with spaces so that data begins at a multiple of 64";
  EXPECT_EQ(bytes.size(), 128 + sizeof(kFloats));
}

TEST(WriteNpy, ReadsBackWithItsShapeAndType) {
  const record::ScratchFolder folder;
  record::write_npy(folder.path() / "f.npy", kFloats, {3, 1, 2});
  record::write_npy(folder.path() / "i.npy", kIntegers, {3});
  record::write_npy(folder.path() / "none.npy", kFloats, {0, 2});
  const NpyFile floats = read_npy(folder.path() / "f.npy"),
                integers = read_npy(folder.path() / "i.npy");
  EXPECT_EQ(floats.type, "<f4");
  EXPECT_EQ(floats.shape, (std::vector<std::int64_t>{3, 1, 2}));
  EXPECT_EQ(floats.values<float>(), std::vector<float>(std::begin(kFloats), std::end(kFloats)));
  EXPECT_EQ(integers.type, "<i4");
  EXPECT_EQ(integers.shape, std::vector<std::int64_t>{3});
  EXPECT_EQ(integers.values<std::int32_t>(),
            std::vector<std::int32_t>(std::begin(kIntegers), std::end(kIntegers)));
  EXPECT_EQ(read_npy(folder.path() / "none.npy").shape, (std::vector<std::int64_t>{0, 2}));
  EXPECT_EQ(read_npy(folder.path() / "none.npy").data, "");
}

TEST(WriteNpy, ABrokenWriteIsAnError) {
  const record::ScratchFolder folder;
  for (const std::filesystem::path& file :
       {folder.path() / "missing" / "a.npy", std::filesystem::path("/dev/full")}) {
    try {
      record::write_npy(file, kFloats, {6});
      ADD_FAILURE() << file << " was written";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::output);
      EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos) << error.what();
    }
  }
}

TEST(WriteNpy, NumpyReadsIt) {
  if (std::system("python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "no NumPy here";
  const record::ScratchFolder folder;
  record::write_npy(folder.path() / "f.npy", kFloats, {3, 2});
  record::write_npy(folder.path() / "one.npy", kIntegers, {3});
  const std::string command =
      "cd '" + folder.path().string() + "' && python3 -c \"import numpy as np\n" +
      "f, i = np.load('f.npy'), np.load('one.npy')\n" +
      "assert f.dtype == np.float32 and f.shape == (3, 2) and f[1, 1] == 3.25, f\n" +
      "assert i.dtype == np.int32 and i.tolist() == [-1, 2, 2147483647], i\"";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace moe::measure
