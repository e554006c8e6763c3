// Capture and replay.
#include "cuda/runtime/graph.h"

#include "cuda/runtime/check.h"

namespace moe::cuda {
namespace {

/// The graph as it was captured: only needed until it is instantiated.
class CapturedGraph {
 public:
  explicit CapturedGraph(cudaGraph_t graph) : graph_(graph) {}
  ~CapturedGraph() {
    if (graph_ != nullptr) cudaGraphDestroy(graph_);
  }
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;

  cudaGraph_t get() const { return graph_; }

 private:
  cudaGraph_t graph_;
};

class CudaGraph final : public Graph {
 public:
  CudaGraph(cudaGraph_t graph, cudaStream_t stream) : stream_(stream) {
    MOE_CUDA_CHECK(cudaGraphInstantiate(&executable_, graph, 0));
  }
  ~CudaGraph() override { cudaGraphExecDestroy(executable_); }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  void replay() override { MOE_CUDA_CHECK(cudaGraphLaunch(executable_, stream_)); }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

std::unique_ptr<Graph> capture_graph(cudaStream_t stream, const std::function<void()>& work) {
  MOE_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  cudaGraph_t graph = nullptr;
  try {
    work();
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);  // the stream leaves capture mode whatever it answers
    cudaGetLastError();
    const CapturedGraph unfinished(graph);
    throw;
  }
  const cudaError_t error = cudaStreamEndCapture(stream, &graph);
  const CapturedGraph captured(graph);
  if (error != cudaSuccess) throw_cuda_error(error, "cudaStreamEndCapture");
  return std::make_unique<CudaGraph>(captured.get(), stream);
}

}  // namespace moe::cuda
