// Loops over rows, one instance per element type, activation and layout. Each works on float;
// rows of 16-bit types convert at load and store.
#include "cpu/activation.h"

#include "core/activation.h"
#include "cpu/element.h"

namespace moe::cpu {
namespace {

/// What a loop is compiled for, and where a channel stands in a row of h: its gate, or all of it,
/// at first().
template <class ElementType, Activation kActivationValue, UpLayout kLayout>
struct RowForm {
  using Element = ElementType;
  static constexpr Activation kActivation = kActivationValue;
  static constexpr bool kGated = kIsGated<kActivation>;
  static constexpr std::int64_t kStep = kLayout == UpLayout::interleaved ? 2 : 1;

  static constexpr std::int64_t up_dim(std::int64_t n) { return kGated ? 2 * n : n; }
  static constexpr std::int64_t first(std::int64_t channel) { return kStep * channel; }
  static constexpr std::int64_t up(std::int64_t channel, std::int64_t n) {
    return kStep * channel + (kLayout == UpLayout::interleaved ? 1 : n);
  }
};

template <class Form, class Element = typename Form::Element>
void activate_row(const Element* h, std::int64_t n, Element* a) {
  for (std::int64_t c = 0; c < n; ++c) {
    const float first = static_cast<float>(h[Form::first(c)]);
    if constexpr (Form::kGated) {
      const float up = static_cast<float>(h[Form::up(c, n)]);
      a[c] = static_cast<Element>(gated_curve<Form::kActivation>(first, up).a);
    } else {
      a[c] = static_cast<Element>(curve<Form::kActivation>(first).value);
    }
  }
}

template <class Form, class Element = typename Form::Element>
void activate_backward_row(const Element* h, const Element* d_a, std::int64_t n, Element* d_h) {
#pragma omp simd
  for (std::int64_t c = 0; c < n; ++c) {
    const float first = static_cast<float>(h[Form::first(c)]);
    const float gradient = static_cast<float>(d_a[c]);
    if constexpr (Form::kGated) {
      const float up = static_cast<float>(h[Form::up(c, n)]);
      const GatedCurve at = gated_curve<Form::kActivation>(first, up);
      d_h[Form::first(c)] = static_cast<Element>(gradient * at.by_gate);
      d_h[Form::up(c, n)] = static_cast<Element>(gradient * at.by_up);
    } else {
      d_h[c] = static_cast<Element>(gradient * curve<Form::kActivation>(first).slope);
    }
  }
}

/// One row of the epilogue; d_h may be h. Returns <d_a, a>.
template <class Form, class Element = typename Form::Element>
float sonic_row(const Element* h, const float* d_a, float score, std::int64_t n, Element* a_scaled,
                Element* d_h) {
  float d_score = 0.0f;
#pragma omp simd reduction(+ : d_score)
  for (std::int64_t c = 0; c < n; ++c) {
    const float first = static_cast<float>(h[Form::first(c)]), gradient = score * d_a[c];
    float a;
    if constexpr (Form::kGated) {
      const float up = static_cast<float>(h[Form::up(c, n)]);
      const GatedCurve at = gated_curve<Form::kActivation>(first, up);
      a = at.a;
      d_h[Form::first(c)] = static_cast<Element>(gradient * at.by_gate);
      d_h[Form::up(c, n)] = static_cast<Element>(gradient * at.by_up);
    } else {
      const Curve at = curve<Form::kActivation>(first);
      a = at.value;
      d_h[c] = static_cast<Element>(gradient * at.slope);
    }
    d_score += d_a[c] * a;
    a_scaled[c] = static_cast<Element>(score * a);
  }
  return d_score;
}

/// Calls `work.operator()<RowForm>()`. Without a gate there is one layout.
template <class Work>
void with_form(DType dtype, Activation activation, UpLayout layout, Work&& work) {
  with_element(dtype, [&]<class Element>() {
    with_activation(activation, [&]<Activation kActivation>() {
      if constexpr (kIsGated<kActivation>) {
        if (layout == UpLayout::interleaved)
          return work.template operator()<RowForm<Element, kActivation, UpLayout::interleaved>>();
      }
      work.template operator()<RowForm<Element, kActivation, UpLayout::concatenated>>();
    });
  });
}

}  // namespace

void activate(Activation activation, UpLayout layout, TensorView h, std::int64_t count,
              std::int64_t n, TensorView a) {
  with_form(h.dtype, activation, layout, [&]<class Form>() {
    using Element = typename Form::Element;
    const std::int64_t u = Form::up_dim(n);
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      activate_row<Form>(h.as<Element>() + i * u, n, a.as<Element>() + i * n);
    }
  });
}

void activate_backward(Activation activation, UpLayout layout, TensorView h, TensorView d_a,
                       std::int64_t count, std::int64_t n, TensorView d_h) {
  with_form(h.dtype, activation, layout, [&]<class Form>() {
    using Element = typename Form::Element;
    const std::int64_t u = Form::up_dim(n);
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      const Element* gradient = d_a.as<Element>() + i * n;
      activate_backward_row<Form>(h.as<Element>() + i * u, gradient, n, d_h.as<Element>() + i * u);
    }
  });
}

void sonic_epilogue(Activation activation, UpLayout layout, const SonicEpilogue& rows,
                    std::int64_t count, std::int64_t n) {
  with_form(rows.h.dtype, activation, layout, [&]<class Form>() {
    using Element = typename Form::Element;
    const std::int64_t u = Form::up_dim(n);
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < count; ++i) {
      const float score = rows.scores == nullptr ? 1.0f : rows.scores[i];
      const float d_score =
          sonic_row<Form>(rows.h.as<Element>() + i * u, rows.d_a + i * n, score, n,
                          rows.a_scaled.as<Element>() + i * n, rows.d_h.as<Element>() + i * u);
      if (rows.d_scores != nullptr) rows.d_scores[i] = d_score;
    }
  });
}

}  // namespace moe::cpu
