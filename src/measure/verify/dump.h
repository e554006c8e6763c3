// Tensors of a run as .npy files, so that anyone can check it with NumPy and nothing of ours.
//
//   FOLDER/config.json
//   FOLDER/shared/{x,w_router,w_up,w_down,d_out}.npy            float32
//   FOLDER/<variant>/{expert_ids,scores,out,d_x,d_w_router,d_w_up,d_w_down}.npy
//   FOLDER/.../{,d_}b_{router,up,down}.npy                       with biases
//   FOLDER/<variant>/{pairs,pair_scores}.npy                    with rounded routing, in place of
//   the first two
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "measure/problem/problem.h"
#include "measure/verify/verify.h"
#include "moe/config.h"

namespace moe::measure {

/// Bytes that a run will write, for `num_variants` variants.
std::int64_t dump_bytes(const LayerConfig& config, std::int64_t tokens, std::int64_t num_variants,
                        bool backward);

void dump_problem(const std::filesystem::path& folder, const ModelConfig& model,
                  const Problem& problem);
void dump_result(const std::filesystem::path& folder, const std::string& variant,
                 const LayerConfig& config, const HostResult& result);

}  // namespace moe::measure
