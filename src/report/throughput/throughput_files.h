// What `throughput` writes: JSON, CSV and the scaling plot.
#pragma once

#include <string>
#include <vector>

#include "model/step/estimate.h"
#include "record/document.h"
#include "report/plot/plots.h"
#include "report/plot/style.h"

namespace moe::report {

/// "measured", "modelled", or both where a model stands on a measured layer.
std::string basis_text(const model::EstimateRow& row);

/// Everything that the screens say, in SI units. `head` comes first.
record::Document throughput_document(const record::Fields& head,
                                     const model::EstimateRequest& request,
                                     const model::Estimate& estimate);

/// All rows of all scopes.
std::string throughput_csv(const model::Estimate& estimate);

/// A rate that is not modelled, to be drawn beside the model: a published run of the same model and
/// GPU, or what was measured.
struct SolidPoint {
  std::int64_t gpus = 1;
  double tokens_per_s = 0;  // all GPUs
  std::string name;
  model::Origin origin = model::Origin::published;
};

/// What was measured of the variant that the scaling rows show.
std::vector<SolidPoint> measured_points(const model::Estimate& estimate);

/// Tokens per second and efficiency against GPUs, both logarithmic in GPUs: the ideal line,
/// modelled points hollow with their range, solid ones for what was measured or published. Nothing
/// when no point fits.
std::optional<PlotSource> scaling_plot(const Frame& frame, const model::Estimate& estimate,
                                       const std::vector<SolidPoint>& solid);

}  // namespace moe::report
