// CRC-32 against published values, so that files can be checked with zlib.
#include "core/crc32.h"

#include <gtest/gtest.h>

namespace moe {
namespace {

TEST(Crc32, HasThePublishedValues) {
  static_assert(crc32("123456789") == 0xCBF43926u);  // the check value of the CRC catalogue
  EXPECT_EQ(crc32(""), 0u);
  EXPECT_EQ(crc32("a"), 0xE8B7BE43u);
  EXPECT_EQ(crc32("The quick brown fox jumps over the lazy dog"), 0x414FA339u);
}

TEST(Crc32, SeesBytesAboveAsciiAndZeros) {
  using namespace std::string_view_literals;
  EXPECT_EQ(crc32("\0\0\0\0"sv), 0x2144DF1Cu);
  EXPECT_EQ(crc32("\xff\xff\xff\xff"), 0xFFFFFFFFu);
}

}  // namespace
}  // namespace moe
