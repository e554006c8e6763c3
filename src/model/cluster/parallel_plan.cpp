// Which plans are possible at all.
#include "model/cluster/parallel_plan.h"

#include <fmt/format.h>

namespace moe::model {

std::string plan_text(const ParallelPlan& plan) {
  std::string text = fmt::format("EP {}, PP {}, TP {}, DP {}", plan.expert, plan.pipeline,
                                 plan.tensor, plan.data());
  if (plan.virtual_stages > 1) text += fmt::format(", {} virtual stages", plan.virtual_stages);
  if (plan.zero_stage != 1) text += fmt::format(", ZeRO {}", plan.zero_stage);
  if (plan.recompute) text += ", layers recomputed";
  if (plan.schedule != Schedule::one_f_one_b) text += fmt::format(", {}", name_of(plan.schedule));
  return text + fmt::format("; {} x {} sequence{} per rank", plan.micro_batches(), plan.micro_batch,
                            plan.micro_batch == 1 ? "" : "s");
}

std::optional<std::string> plan_problem(const ParallelPlan& plan, const ModelConfig& model) {
  if (plan.gpus < 1 || plan.tensor < 1 || plan.pipeline < 1 || plan.expert < 1 ||
      plan.virtual_stages < 1 || plan.micro_batch < 1) {
    return "every size must be at least 1";
  }
  if (plan.gpus % (plan.tensor * plan.pipeline) != 0) {
    return fmt::format("TP {} x PP {} does not divide {} GPUs", plan.tensor, plan.pipeline,
                       plan.gpus);
  }
  if ((plan.gpus / plan.pipeline) % plan.expert != 0) {
    return fmt::format("EP {} does not divide the {} GPUs of a stage", plan.expert,
                       plan.gpus / plan.pipeline);
  }
  if (model.num_moe_layers() > 0 && model.layer.num_experts % plan.expert != 0) {
    return fmt::format("EP {} does not divide {} experts", plan.expert, model.layer.num_experts);
  }
  if (plan.pipeline * plan.virtual_stages > model.num_layers) {
    return fmt::format("{} stages for {} layers", plan.pipeline * plan.virtual_stages,
                       model.num_layers);
  }
  if (plan.micro_batches() < 1) {
    return fmt::format("{} sequences of a step are fewer than {} ranks x {}", plan.global_batch,
                       plan.data(), plan.micro_batch);
  }
  if (plan.schedule == Schedule::dual_pipe && plan.pipeline % 2 != 0) {
    return "dualpipe needs an even number of stages";
  }
  return std::nullopt;
}

}  // namespace moe::model
