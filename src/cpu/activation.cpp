// Loops over rows, one instance per element type and activation. Each works on float; bfloat16 rows
// convert at load and store.
#include "cpu/activation.h"

#include "core/activation.h"
#include "cpu/element.h"

namespace moe::cpu {
namespace {

template <Activation kActivation, class Element>
void activate_row(const Element* h, std::int64_t n, Element* a) {
  for (std::int64_t c = 0; c < n; ++c) {
    const float first = static_cast<float>(h[c]);
    if constexpr (kIsGated<kActivation>) {
      a[c] = static_cast<Element>(gated_curve<kActivation>(first, static_cast<float>(h[n + c])).a);
    } else {
      a[c] = static_cast<Element>(curve<kActivation>(first).value);
    }
  }
}

template <Activation kActivation, class Element>
void activate_backward_row(const Element* h, const Element* d_a, std::int64_t n, Element* d_h) {
#pragma omp simd
  for (std::int64_t c = 0; c < n; ++c) {
    const float first = static_cast<float>(h[c]), gradient = static_cast<float>(d_a[c]);
    if constexpr (kIsGated<kActivation>) {
      const GatedCurve at = gated_curve<kActivation>(first, static_cast<float>(h[n + c]));
      d_h[c] = static_cast<Element>(gradient * at.by_gate);
      d_h[n + c] = static_cast<Element>(gradient * at.by_up);
    } else {
      d_h[c] = static_cast<Element>(gradient * curve<kActivation>(first).slope);
    }
  }
}

/// One row of the epilogue; d_h may be h. Returns <d_a, a>.
template <Activation kActivation, class Element>
float sonic_row(const Element* h, const float* d_a, float score, std::int64_t n, Element* a_scaled,
                Element* d_h) {
  float d_score = 0.0f;
#pragma omp simd reduction(+ : d_score)
  for (std::int64_t c = 0; c < n; ++c) {
    const float first = static_cast<float>(h[c]), gradient = score * d_a[c];
    float a;
    if constexpr (kIsGated<kActivation>) {
      const GatedCurve at = gated_curve<kActivation>(first, static_cast<float>(h[n + c]));
      a = at.a;
      d_h[c] = static_cast<Element>(gradient * at.by_gate);
      d_h[n + c] = static_cast<Element>(gradient * at.by_up);
    } else {
      const Curve at = curve<kActivation>(first);
      a = at.value;
      d_h[c] = static_cast<Element>(gradient * at.slope);
    }
    d_score += d_a[c] * a;
    a_scaled[c] = static_cast<Element>(score * a);
  }
  return d_score;
}

/// Calls `work.operator()<Element, kActivation>()`.
template <class Work>
void with_types(DType dtype, Activation activation, Work&& work) {
  with_element(dtype, [&]<class Element>() {
    with_activation(activation, [&]<Activation kActivation>() {
      work.template operator()<Element, kActivation>();
    });
  });
}

}  // namespace

void activate(Activation activation, TensorView h, std::int64_t count, std::int64_t n,
              TensorView a) {
  with_types(h.dtype, activation, [&]<class Element, Activation kActivation>() {
    const std::int64_t u = kIsGated<kActivation> ? 2 * n : n;
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      activate_row<kActivation>(h.as<Element>() + i * u, n, a.as<Element>() + i * n);
    }
  });
}

void activate_backward(Activation activation, TensorView h, TensorView d_a, std::int64_t count,
                       std::int64_t n, TensorView d_h) {
  with_types(h.dtype, activation, [&]<class Element, Activation kActivation>() {
    const std::int64_t u = kIsGated<kActivation> ? 2 * n : n;
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      const Element* gradient = d_a.as<Element>() + i * n;
      activate_backward_row<kActivation>(h.as<Element>() + i * u, gradient, n,
                                         d_h.as<Element>() + i * u);
    }
  });
}

void sonic_epilogue(Activation activation, const SonicEpilogue& rows, std::int64_t count,
                    std::int64_t n) {
  with_types(rows.h.dtype, activation, [&]<class Element, Activation kActivation>() {
    const std::int64_t u = kIsGated<kActivation> ? 2 * n : n;
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      const float score = rows.scores == nullptr ? 1.0f : rows.scores[i];
      const float d_score = sonic_row<kActivation>(rows.h.as<Element>() + i * u, rows.d_a + i * n,
                                                   score, n, rows.a_scaled.as<Element>() + i * n,
                                                   rows.d_h.as<Element>() + i * u);
      if (rows.d_scores != nullptr) rows.d_scores[i] = d_score;
    }
  });
}

}  // namespace moe::cpu
