// One comparison as a record::Check: its error, whether it passes, and where it went wrong.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "record/record.h"
#include "truth/difference.h"
#include "truth/named_tensor.h"

namespace moe::measure {

inline constexpr double kScoreTolerance = 1e-5;  // logits and scores are float32 in every layer

/// "1 expert", "2 experts".
std::string counted(std::size_t count, const char* noun);

/// By the norm-relative error.
record::Check check_of(const truth::NamedTensor& tensor, const std::string& scope,
                       const truth::Difference& difference, double tolerance);

/// By the number of elements that are what none may be.
record::Check check_of(const std::string& name, const std::string& scope,
                       const truth::Offences& offences);

/// Mismatches of whole numbers, whose shape and axes name the places. `got` may be longer than
/// `want`; what it lacks is a mismatch.
record::Check exact_check(const std::string& name, const std::vector<std::int32_t>& got,
                          const std::vector<std::int32_t>& want,
                          std::initializer_list<std::int64_t> shape, std::vector<const char*> axes);

/// The same for float32 scores, by their norm-relative error.
record::Check scores_check(const std::string& name, const std::vector<float>& got,
                           const std::vector<double>& want,
                           std::initializer_list<std::int64_t> shape,
                           std::vector<const char*> axes);

}  // namespace moe::measure
