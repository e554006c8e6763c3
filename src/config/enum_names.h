// From the names used in flags and files to the enumerations of moe/config.h; name_of() is the way
// back. Case does not count. Each throws Error{usage} with the nearest and the accepted names.
#pragma once

#include <string_view>

#include "moe/config.h"

namespace moe::config {

/// "fp32", "bf16" or "fp16": the types that weights and activations may have.
DType parse_dtype(std::string_view text);
/// "swiglu" or "relu2".
Activation parse_activation(std::string_view text);
/// "concatenated" or "interleaved".
UpLayout parse_up_layout(std::string_view text);
/// "none", "nearest", "up" or "down".
RoundingRule parse_rounding_rule(std::string_view text);
/// "topk_softmax", "softmax_topk" or "sigmoid".
GateKind parse_gate_kind(std::string_view text);
/// "none", "grouped_query" or "latent".
AttentionKind parse_attention_kind(std::string_view text);

}  // namespace moe::config
