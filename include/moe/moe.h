// MoE Benchmarks, public interface. A tour:
//
//   1. Describe a layer              LayerConfig            config.h
//   2. Choose an implementation      find_variant()         registry.h
//   3. Ask what it needs             Variant::plan()        variant.h   (no device is touched)
//   4. Lend it memory and a stream   Memory, Stream         device.h
//   5. Run                           Layer::forward(), Layer::backward()
//   6. See where tokens went         Layer::routing()       routing.h
//
// examples/embed.cpp does all six in a page. The headers are plain C++20: no CUDA, no third party.
#pragma once

#include "moe/attention.h"  // IWYU pragma: export
#include "moe/config.h"     // IWYU pragma: export
#include "moe/device.h"     // IWYU pragma: export
#include "moe/dtype.h"      // IWYU pragma: export
#include "moe/error.h"      // IWYU pragma: export
#include "moe/layer.h"      // IWYU pragma: export
#include "moe/registry.h"   // IWYU pragma: export
#include "moe/routing.h"    // IWYU pragma: export
#include "moe/tensor.h"     // IWYU pragma: export
#include "moe/variant.h"    // IWYU pragma: export
