// Where a run took place: device, processor, system, compiler, version of this project.
#pragma once

#include "moe/device.h"
#include "record/record.h"

namespace moe::measure {

record::Environment read_environment(const Device& device);

}  // namespace moe::measure
