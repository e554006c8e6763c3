// Flags with several values: lists, ranges, their product, and what is left out of it.
#include "cli/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/filter.h"
#include "cli/value_list.h"
#include "moe/error.h"

namespace moe::programs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

template <class Action>
std::string usage_error(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "accepted";
}

ShapeFlags flags(std::map<std::string, std::string> given) {
  ShapeFlags shape;
  given.merge(shape.given);
  shape.given = given;
  return shape;
}

std::vector<std::string> labels(const Sweep& sweep) {
  std::vector<std::string> all;
  for (const ShapePoint& point : sweep.points) all.push_back(label_of(sweep.fields, point.values));
  return all;
}

TEST(ValueList, ListsAndRangesKeepTheirOrder) {
  EXPECT_THAT(numbers_of("--n", "7"), ElementsAre("7"));
  EXPECT_THAT(numbers_of("--n", "-7"), ElementsAre("-7")) << "judged later, as a size";
  EXPECT_THAT(numbers_of("--n", "2048,1024"), ElementsAre("2048", "1024"));
  EXPECT_THAT(numbers_of("--n", "256:4096:*2"), ElementsAre("256", "512", "1024", "2048", "4096"));
  EXPECT_THAT(numbers_of("--n", "1:100:*10"), ElementsAre("1", "10", "100"));
  EXPECT_THAT(numbers_of("--n", "64:255:+64"), ElementsAre("64", "128", "192"));
  EXPECT_THAT(numbers_of("--n", "5:5:+1"), ElementsAre("5"));
  EXPECT_THAT(numbers_of("--n", "3,8:32:*2,5"), ElementsAre("3", "8", "16", "32", "5"));
  EXPECT_THAT(words_of("--w", "fp32,bf16"), ElementsAre("fp32", "bf16"));
}

TEST(ValueList, ALargeEndDoesNotOverflow) {
  EXPECT_THAT(numbers_of("--n", "1:9223372036854775807:*4294967296"),
              ElementsAre("1", "4294967296"));
  EXPECT_THAT(numbers_of("--n", "9223372036854775806:9223372036854775807:+9"), SizeIs(1));
}

TEST(ValueList, RefusesWhatIsNoRange) {
  for (const char* text : {"", ",", "1,,2", "1,", "1:2", "1:2:3", "1:2:*", "1:2:*1", "1:2:+0",
                           "1:2:-1", "2:1:+1", "0:8:*2", "1:2:*2:3", "a:b:*2", "1.5", "1 ", "1k",
                           "1:99999999:+1", "99999999999999999999"}) {
    EXPECT_NE(usage_error([&] { numbers_of("--n", text); }), "accepted") << text;
  }
  EXPECT_EQ(usage_error([] { numbers_of("--n", "8:4:*2"); }),
            "--n 8:4:*2: not a range: it must rise, from 1 or more\n"
            "  write a number, a list (1024,2048) or a range (1024:65536:*2, 64:512:+64)");
}

TEST(Sweep, OfOneValueEachIsOneShape) {
  const Sweep sweep = sweep_of(flags({{"tokens", "77"}}), {});
  EXPECT_THAT(sweep.fields, IsEmpty());
  ASSERT_THAT(sweep.points, SizeIs(1));
  EXPECT_THAT(sweep.points[0].values, IsEmpty());
  EXPECT_EQ(sweep.points[0].shape.model.tokens(), 77);
  EXPECT_EQ(sweep.points[0].shape.traffic, "natural");
}

TEST(Sweep, IsTheProductOfAllValues) {
  const Sweep sweep =
      sweep_of(flags({{"tokens", "64,128"}, {"top_k", "1,2"}, {"routing", "natural,hot:2"}}), {});
  EXPECT_THAT(sweep.fields, ElementsAre("top_k", "tokens", "routing"));
  EXPECT_THAT(
      labels(sweep),
      ElementsAre("top_k=1 tokens=64 routing=natural", "top_k=1 tokens=64 routing=hot:2",
                  "top_k=1 tokens=128 routing=natural", "top_k=1 tokens=128 routing=hot:2",
                  "top_k=2 tokens=64 routing=natural", "top_k=2 tokens=64 routing=hot:2",
                  "top_k=2 tokens=128 routing=natural", "top_k=2 tokens=128 routing=hot:2"));
  EXPECT_EQ(sweep.points[5].shape.model.layer.top_k, 2);
  EXPECT_EQ(sweep.points[5].shape.model.tokens(), 64);
  EXPECT_EQ(sweep.points[5].shape.traffic, "hot:2");
}

TEST(Sweep, EveryFieldTakesAList) {
  for (const auto& [field, values] :
       std::map<std::string, std::string>{{"config", "small,sparse"},
                                          {"num_experts", "4,8"},
                                          {"hidden_dim", "64,128"},
                                          {"ffn_dim", "32,64"},
                                          {"top_k", "1,2"},
                                          {"batch_size", "1,2"},
                                          {"seq_len", "8,16"},
                                          {"tokens", "8,16"},
                                          {"activation", "swiglu,relu2"},
                                          {"up_layout", "concatenated,interleaved"},
                                          {"expert_bias", "false,true"},
                                          {"dtype", "fp32,bf16"},
                                          {"tile", "8,16"},
                                          {"rounding", "up,down"},
                                          {"routing", "natural,zipf:1"}}) {
    const Sweep sweep = sweep_of(flags({{field, values}}), {});
    EXPECT_THAT(sweep.points, SizeIs(2)) << field;
    const ShapeField* described = find_shape_field(field);
    EXPECT_NE(described->get(sweep.points[0].shape), described->get(sweep.points[1].shape))
        << field;
  }
}

TEST(Sweep, NamesAndSkipsPointsThatCannotBe) {
  const Sweep sweep = sweep_of(flags({{"num_experts", "4,8"}, {"top_k", "2,8"}}), {});
  EXPECT_THAT(labels(sweep), ElementsAre("num_experts=4 top_k=2", "num_experts=8 top_k=2",
                                         "num_experts=8 top_k=8"));
  ASSERT_THAT(sweep.invalid, SizeIs(1));
  EXPECT_EQ(sweep.invalid[0].label, "num_experts=4 top_k=8");
  EXPECT_EQ(sweep.invalid[0].reason, "--top-k 8 is larger than --num-experts 4");
}

TEST(Sweep, AMisspeltNameIsNoPoint) {
  EXPECT_THAT(usage_error([] {
                sweep_of(flags({{"dtype", "fp32,fp8"}}), {});
              }),
              HasSubstr("unknown dtype 'fp8'"));
  EXPECT_THAT(usage_error([] {
                sweep_of(flags({{"config", "small,smal"}}), {});
              }),
              HasSubstr("unknown config 'smal'"));
}

TEST(Sweep, WithoutAPossiblePointIsRefused) {
  EXPECT_EQ(usage_error([] {
              sweep_of(flags({{"num_experts", "2,3"}, {"top_k", "4"}}), {});
            }),
            "no point of the sweep is possible: num_experts=2: --top-k 4 is larger than "
            "--num-experts 2");
  EXPECT_EQ(usage_error([] { sweep_of(flags({}), {"tokens<1"}); }),
            "--filter leaves no point\n  drop a filter or add values");
  EXPECT_THAT(usage_error([] {
                sweep_of(flags({{"tokens", "1:1000:+1"}, {"hidden_dim", "1:1000:+1"}}), {});
              }),
              HasSubstr("more than 10,000 points"));
}

TEST(Filter, DropsPoints) {
  const ShapeFlags all = flags({{"tokens", "64:512:*2"}, {"top_k", "1,2"}, {"dtype", "fp32,bf16"}});
  const auto kept = [&](const std::vector<std::string>& filters) {
    return labels(sweep_of(all, filters));
  };
  EXPECT_THAT(kept({}), SizeIs(16));
  EXPECT_THAT(kept({"tokens>=256", "top_k=2", "dtype!=bf16"}),
              ElementsAre("top_k=2 tokens=256 dtype=fp32", "top_k=2 tokens=512 dtype=fp32"));
  EXPECT_THAT(kept({"tokens<128"}), SizeIs(4));
  EXPECT_THAT(kept({"tokens<=128"}), SizeIs(8));
  EXPECT_THAT(kept({"tokens>256"}), SizeIs(4));
  EXPECT_THAT(kept({"dtype==fp32"}), SizeIs(8));
  EXPECT_THAT(kept({"num_experts=8"}), SizeIs(16)) << "fields that are not swept count too";
  EXPECT_EQ(sweep_of(all, {"tokens<128"}).filtered, 12);
}

TEST(Filter, RefusesWhatIsNoCondition) {
  for (const char* text : {"", "tokens", "=4", "tokens=", "tokens=many", "tokens=1,2", "tokens=>4",
                           "dtype<bf16", "tokens===4"}) {
    EXPECT_NE(usage_error([&] { Filter{text}; }), "accepted") << text;
  }
  EXPECT_THAT(usage_error([] { Filter{"topk=2"}; }),
              HasSubstr("unknown field 'topk'. Did you mean 'top_k'?"));
}

}  // namespace
}  // namespace moe::programs
