// Names of enumerations in flags and files.
#include "config/enum_names.h"

#include <gmock/gmock.h>

#include "config/messages.h"

namespace moe::config {
namespace {

using testing::HasSubstr;

TEST(EnumNames, ParseWhatNameOfPrints) {
  for (DType value : {DType::f32, DType::bf16, DType::f16})
    EXPECT_EQ(parse_dtype(name_of(value)), value);
  for (Activation value : kActivations) EXPECT_EQ(parse_activation(name_of(value)), value);
  for (UpLayout value : {UpLayout::concatenated, UpLayout::interleaved})
    EXPECT_EQ(parse_up_layout(name_of(value)), value);
  for (RoundingRule value :
       {RoundingRule::none, RoundingRule::nearest, RoundingRule::up, RoundingRule::down,
        RoundingRule::stochastic, RoundingRule::stochastic_score, RoundingRule::balance}) {
    EXPECT_EQ(parse_rounding_rule(name_of(value)), value);
  }
  for (GateKind value : {GateKind::topk_softmax, GateKind::softmax_topk, GateKind::sigmoid}) {
    EXPECT_EQ(parse_gate_kind(name_of(value)), value);
  }
  for (AttentionKind value :
       {AttentionKind::none, AttentionKind::grouped_query, AttentionKind::latent}) {
    EXPECT_EQ(parse_attention_kind(name_of(value)), value);
  }
  EXPECT_EQ(parse_dtype("BF16"), DType::bf16);
}

TEST(EnumNames, RefuseWithTheNearestAndAllNames) {
  EXPECT_EQ(message_of([] { parse_activation("swiglo"); }),
            "unknown activation 'swiglo'. Did you mean 'swiglu'?\n  known: swiglu, clamped_swiglu, "
            "geglu, geglu_tanh, reglu, silu, gelu, gelu_tanh, relu2");
  EXPECT_EQ(message_of([] { parse_rounding_rule("sideways"); }),
            "unknown rounding rule 'sideways'\n  known: none, nearest, up, down, "
            "stochastic, stochastic_score, balance");
  EXPECT_EQ(message_of([] { parse_up_layout("interleave"); }),
            "unknown up layout 'interleave'. Did you mean 'interleaved'?\n  known: concatenated, "
            "interleaved");
  EXPECT_THAT(message_of([] { parse_gate_kind("sigmoidal"); }), HasSubstr("'sigmoid'?"));
}

TEST(EnumNames, TypesOfIndicesAndOfTheTruthAreNoLayerTypes) {
  EXPECT_THAT(message_of([] { parse_dtype("fp64"); }), HasSubstr("known: fp32, bf16, fp16"));
  EXPECT_THAT(message_of([] { parse_dtype("int32"); }), HasSubstr("known: fp32, bf16, fp16"));
}

}  // namespace
}  // namespace moe::config
