// A run as other programs read it.
#pragma once

#include <string>

#include "cli/screen_flags.h"
#include "record/record.h"

namespace moe::programs {

/// `format` is not text: that is a screen, not a format.
std::string formatted(const record::Run& run, Format format);

}  // namespace moe::programs
