// oneDNN primitives, made once per shape. A shape-specialised primitive is preferred; where its
// scratchpad would not fit the arena's buffer, one with run-time row counts, which needs none,
// takes its place.
#include "cpu/gemm.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <cstring>
#include <map>
#include <string>
#include <tuple>

#include "cpu/widened_gemm.h"
#include "moe/error.h"

namespace moe::cpu {
namespace {

constexpr std::size_t kMostPrimitives = 4096;

dnnl::memory::data_type dnnl_type(DType dtype) {
  return dtype == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

dnnl::memory::desc describe(const Matrix& m) {
  return {{m.rows, m.cols}, dnnl_type(m.dtype), dnnl::memory::dims{m.row_stride, m.col_stride}};
}

/// The same with the sizes left open; strides of 1 stay known, because they choose the kernel.
dnnl::memory::desc describe_open(const Matrix& m) {
  const auto open = [](std::int64_t stride) { return stride == 1 ? 1 : DNNL_RUNTIME_DIM_VAL; };
  return {{DNNL_RUNTIME_DIM_VAL, DNNL_RUNTIME_DIM_VAL},
          dnnl_type(m.dtype),
          dnnl::memory::dims{open(m.row_stride), open(m.col_stride)}};
}

dnnl::matmul::primitive_desc make_desc(const dnnl::engine& engine, const dnnl::memory::desc& a,
                                       const dnnl::memory::desc& b, const dnnl::memory::desc& c,
                                       Accumulate accumulate) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (accumulate == Accumulate::add) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
#if DNNL_VERSION_MAJOR >= 3
  return {engine, a, b, c, attributes};
#else
  return {dnnl::matmul::desc(a, b, c), attributes, engine};
#endif
}

void fill_zero(const Matrix& c) {
  const std::size_t row_bytes = static_cast<std::size_t>(c.cols) * size_of(c.dtype);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    std::memset(static_cast<char*>(c.data) +
                    static_cast<std::size_t>(row * c.row_stride) * size_of(c.dtype),
                0, row_bytes);
  }
}

}  // namespace

struct Gemm::Primitives {
  struct Entry {
    dnnl::matmul primitive;
    dnnl::memory::desc scratchpad;
  };
  using Key = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t, std::int64_t, std::int64_t, DType, DType, bool>;

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::map<Key, Entry> entries;

  Entry make(const Matrix& a, const Matrix& b, const Matrix& c, Accumulate accumulate,
             std::size_t scratch_bytes) {
    auto desc = make_desc(engine, describe(a), describe(b), describe(c), accumulate);
    if (desc.scratchpad_desc().get_size() > scratch_bytes) {
      desc = make_desc(engine, describe_open(a), describe_open(b), describe_open(c), accumulate);
    }
    if (desc.scratchpad_desc().get_size() > scratch_bytes) {
      throw Error(ErrorKind::internal, "oneDNN wants a larger scratchpad than the plan has",
                  std::to_string(desc.scratchpad_desc().get_size()) + " bytes");
    }
    return {dnnl::matmul(desc), desc.scratchpad_desc()};
  }

  const Entry& find(const Matrix& a, const Matrix& b, const Matrix& c, Accumulate accumulate,
                    std::size_t scratch_bytes) {
    const Key key{c.rows,
                  c.cols,
                  a.cols,
                  a.row_stride,
                  a.col_stride,
                  b.row_stride,
                  b.col_stride,
                  c.row_stride,
                  a.dtype,
                  c.dtype,
                  accumulate == Accumulate::add};
    const auto found = entries.find(key);
    if (found != entries.end()) return found->second;
    if (entries.size() >= kMostPrimitives) entries.clear();
    return entries.emplace(key, make(a, b, c, accumulate, scratch_bytes)).first->second;
  }
};

Gemm::Gemm() : primitives_(std::make_unique<Primitives>()) {}
Gemm::~Gemm() = default;

void Gemm::operator()(Matrix a, Matrix b, Matrix c, Accumulate accumulate, Memory scratch) {
  if (c.rows == 0 || c.cols == 0) return;
  if (a.cols == 0) {
    if (accumulate == Accumulate::overwrite) fill_zero(c);
    return;
  }
  if (a.dtype == DType::f16) return widened_gemm(*this, a, b, c, accumulate, scratch);
  try {
    const auto& entry = primitives_->find(a, b, c, accumulate, scratch.bytes);
    const dnnl::engine& engine = primitives_->engine;
    entry.primitive.execute(
        primitives_->stream,
        {{DNNL_ARG_SRC, dnnl::memory(describe(a), engine, a.data)},
         {DNNL_ARG_WEIGHTS, dnnl::memory(describe(b), engine, b.data)},
         {DNNL_ARG_DST, dnnl::memory(describe(c), engine, c.data)},
         {DNNL_ARG_SCRATCHPAD, dnnl::memory(entry.scratchpad, engine, scratch.data)}});
    primitives_->stream.wait();
  } catch (const dnnl::error& error) {
    throw Error(ErrorKind::device, "oneDNN matmul failed", error.what());
  }
}

Matrix matrix_rows(TensorView tensor, std::int64_t first, std::int64_t count, std::int64_t cols) {
  char* data = tensor.as<char>() + static_cast<std::size_t>(first * cols) * size_of(tensor.dtype);
  return {data, tensor.dtype, count, cols, cols, 1};
}

Matrix transposed(Matrix m) {
  return {m.data, m.dtype, m.cols, m.rows, m.col_stride, m.row_stride};
}

const char* gemm_library_name() {
  static const std::string name = [] {
    const dnnl_version_t* version = dnnl_version();
    return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
           std::to_string(version->patch);
  }();
  return name.c_str();
}

}  // namespace moe::cpu
