// Trace files: what is written comes back, and whatever is wrong with a file is said with its
// place, before anything is allocated for it.
#include "routing/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "core/crc32.h"
#include "moe/error.h"

namespace moe::routing {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Two layers of three tokens, each with two of five experts.
Trace small_trace(bool scores = true, bool logits = true) {
  Trace trace{.tokens = 3, .num_experts = 5, .top_k = 2, .origin = "by hand"};
  for (int layer = 0; layer < 2; ++layer) {
    TraceLayer values{.experts = {0, 4, 2, 1, 4, 3}};
    if (layer == 1) values.experts = {1, 0, 0, 1, 2, 4};
    if (scores) values.scores = {0.75f, 0.25f, 0.5f, 0.5f, -1.0f, 1e-30f * (layer + 1)};
    if (logits) {
      for (int i = 0; i < 15; ++i) values.logits.push_back(0.125f * i - layer);
    }
    trace.layers.push_back(values);
  }
  return trace;
}

void expect_equal(const Trace& got, const Trace& want) {
  EXPECT_EQ(got.tokens, want.tokens);
  EXPECT_EQ(got.num_experts, want.num_experts);
  EXPECT_EQ(got.top_k, want.top_k);
  EXPECT_EQ(got.origin, want.origin);
  ASSERT_EQ(got.layers.size(), want.layers.size());
  for (std::size_t i = 0; i < want.layers.size(); ++i) {
    EXPECT_EQ(got.layers[i].experts, want.layers[i].experts);
    EXPECT_EQ(got.layers[i].scores, want.layers[i].scores);
    EXPECT_EQ(got.layers[i].logits, want.layers[i].logits);
  }
}

/// The same file with a checksum that is right again after a change.
std::string sealed(std::string bytes) {
  const std::uint32_t checksum = crc32(std::string_view(bytes).substr(16));
  std::memcpy(bytes.data() + 12, &checksum, sizeof checksum);
  return bytes;
}

/// A header field at an offset of docs/trace_format.md.
template <class Value>
std::string with(std::string bytes, std::size_t offset, Value value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  return sealed(bytes);
}

std::string message(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "no error";
}

std::string refusal(const std::string& bytes) {
  return message([&] { parse_trace(bytes, "t.moetrace"); });
}

TEST(Trace, ComesBackAsWritten) {
  for (const bool scores : {false, true}) {
    for (const bool logits : {false, true}) {
      const Trace trace = small_trace(scores, logits);
      const Trace back = parse_trace(trace_bytes(trace), "t");
      expect_equal(back, trace);
      EXPECT_EQ(back.has_scores(), scores);
      EXPECT_EQ(back.has_logits(), logits);
    }
  }
}

TEST(Trace, LiesInTheFileAsDocumented) {
  const std::string bytes = trace_bytes(small_trace());
  ASSERT_EQ(bytes.size(), 256u + 2 * (3 * 2 * 4 + 3 * 2 * 4 + 3 * 5 * 4));
  EXPECT_EQ(bytes.substr(0, 8), "MOETRACE");
  const auto word = [&](std::size_t offset) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  };
  EXPECT_EQ(bytes[8], 1);
  EXPECT_EQ(word(16), 2u) << "layers";
  EXPECT_EQ(word(24), 3u) << "tokens";
  EXPECT_EQ(word(32), 5u) << "experts";
  EXPECT_EQ(word(40), 2u) << "top-k";
  EXPECT_EQ(word(48), 3u) << "flags";
  EXPECT_STREQ(bytes.data() + 56, "by hand");
  const std::size_t second_layer = 256 + 24 + 24 + 60;
  EXPECT_EQ(bytes.substr(second_layer, 4), std::string("\1\0\0\0", 4));
  EXPECT_EQ(trace_hash(bytes).substr(0, 6), "crc32:");
  EXPECT_EQ(trace_hash(bytes).size(), 14u);
}

TEST(Trace, HashTellsContentsApart) {
  Trace other = small_trace();
  std::swap(other.layers[1].experts[0], other.layers[1].experts[1]);
  EXPECT_EQ(trace_hash(trace_bytes(small_trace())), trace_hash(trace_bytes(small_trace())));
  EXPECT_NE(trace_hash(trace_bytes(small_trace())), trace_hash(trace_bytes(other)));
}

TEST(Trace, CutsALongOriginBetweenCharacters) {
  Trace trace = small_trace();
  trace.origin = std::string(199, 'a') + "\xc3\xa4 and more";
  EXPECT_EQ(parse_trace(trace_bytes(trace), "t").origin, std::string(199, 'a'));
  trace.origin = std::string(200, 'b');
  EXPECT_EQ(parse_trace(trace_bytes(trace), "t").origin, trace.origin);
}

TEST(Trace, EveryCutIsRefused) {
  const std::string bytes = trace_bytes(small_trace());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THAT(refusal(bytes.substr(0, length)), HasSubstr("t.moetrace: ")) << length;
  }
  EXPECT_THAT(refusal(""), HasSubstr("not a trace"));
  EXPECT_THAT(refusal(bytes.substr(0, 100)), HasSubstr("cut off inside its header"));
  EXPECT_THAT(refusal(bytes.substr(0, bytes.size() - 1)), HasSubstr("215 bytes behind the header"));
  EXPECT_THAT(refusal(bytes + "x"), HasSubstr("217 bytes behind the header"));
}

TEST(Trace, EveryFlippedBitIsFound) {
  const std::string bytes = trace_bytes(small_trace());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    EXPECT_NE(refusal(damaged), "no error") << "byte " << at;
  }
}

TEST(Trace, WrongHeadersAreRefusedWithTheReason) {
  const std::string bytes = trace_bytes(small_trace());
  EXPECT_THAT(refusal(with(bytes, 8, std::uint32_t{2})), HasSubstr("version 2"));
  EXPECT_THAT(refusal(with(bytes, 48, std::uint64_t{7})), HasSubstr("unknown flags"));
  EXPECT_THAT(refusal(with(bytes, 48, std::uint64_t{1})), HasSubstr("216 bytes behind the header"));
  EXPECT_THAT(refusal(with(bytes, 16, std::uint64_t{0})), HasSubstr("0 layers"));
  EXPECT_THAT(refusal(with(bytes, 24, std::uint64_t{0})), HasSubstr("0 tokens"));
  EXPECT_THAT(refusal(with(bytes, 24, std::uint64_t{4})), HasSubstr("2 layers of 144 bytes"));
  EXPECT_THAT(refusal(with(bytes, 32, std::uint64_t{0})), HasSubstr("0 experts"));
  EXPECT_THAT(refusal(with(bytes, 40, std::uint64_t{0})), HasSubstr("top-k 0 of 5"));
  EXPECT_THAT(refusal(with(bytes, 40, std::uint64_t{6})), HasSubstr("top-k 6 of 5"));
  std::string unsealed = bytes;
  unsealed.back() = static_cast<char>(unsealed.back() ^ 1);
  EXPECT_THAT(refusal(unsealed), HasSubstr("its checksum does not match"));
}

/// Products of these overflow 64 bits, or fit them and no memory: both must end in a message.
TEST(Trace, HugeClaimsAreRefusedBeforeAnyAllocation) {
  const std::string bytes = trace_bytes(small_trace());
  for (const std::uint64_t claim : {std::uint64_t{1} << 31, std::uint64_t{1} << 40,
                                    std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
    for (const std::size_t field : {16, 24, 32, 40}) {
      EXPECT_THAT(refusal(with(bytes, field, claim)), HasSubstr("t.moetrace: ")) << field;
    }
  }
  std::string all = bytes;
  for (const std::size_t field : {16, 24, 32, 40}) all = with(all, field, std::uint64_t{65'536});
  EXPECT_THAT(refusal(all), HasSubstr("tokens; pairs are counted in 32 bits"));
  EXPECT_THAT(
      refusal(with(with(bytes, 24, std::uint64_t{1'000'000'000}), 16, std::uint64_t{60'000})),
      HasSubstr("216 bytes behind the header, but it claims 60000 layers"));
}

TEST(Trace, WrongValuesAreRefusedWithTheirPlace) {
  const std::string bytes = trace_bytes(small_trace());
  const std::size_t second = 256 + 108;  // the second layer's experts
  EXPECT_THAT(refusal(with(bytes, second + 4 * 5, std::int32_t{5})),
              HasSubstr("expert 5 at layer 1, token 2, of 5 experts"));
  EXPECT_THAT(refusal(with(bytes, 256, std::int32_t{-1})),
              HasSubstr("expert -1 at layer 0, token 0"));
  EXPECT_THAT(refusal(with(bytes, 256 + 4 * 3, std::int32_t{2})),
              HasSubstr("expert 2 twice at layer 0, token 1"));
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = INFINITY;
  EXPECT_THAT(refusal(with(bytes, 256 + 24 + 4 * 4, nan)),
              HasSubstr("a score that is not finite at layer 0, token 2"));
  EXPECT_THAT(refusal(with(bytes, second + 48 + 4 * 6, infinity)),
              HasSubstr("a logit that is not finite at layer 1, token 1"));
}

TEST(Trace, WritesNoTraceThatItWouldNotRead) {
  const auto refused = [](const std::function<void(Trace&)>& spoil) {
    Trace trace = small_trace();
    spoil(trace);
    return message([&] { trace_bytes(trace); });
  };
  EXPECT_THAT(refused([](Trace& t) { t.layers.clear(); }), HasSubstr("0 layers"));
  EXPECT_THAT(refused([](Trace& t) { t.tokens = -3; }), HasSubstr("0 tokens"));
  EXPECT_THAT(refused([](Trace& t) { t.layers[0].experts[1] = 9; }), HasSubstr("expert 9"));
  EXPECT_THAT(refused([](Trace& t) { t.layers[1].scores.clear(); }),
              AllOf(HasSubstr("layer 1"), HasSubstr("other sizes")));
  EXPECT_THAT(refused([](Trace& t) { t.layers[1].logits.pop_back(); }), HasSubstr("other sizes"));
}

}  // namespace
}  // namespace moe::routing
