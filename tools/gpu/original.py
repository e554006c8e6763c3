"""The original SonicMoE's layer beside the dense bound, timed by PyTorch's CUDA events. Importing this needs PyTorch and
the original; tools/original_bench does so in a process of its own for each shape."""

import sys

import quack
import sonicmoe
import torch
from sonicmoe.enums import ActivationType
from sonicmoe.functional import moe_TC_softmax_topk_layer

from gpu.turns import Subject, settle

TUNED = "by the original at the first call of this shape: QuACK's and Triton's autotuning as they are"
TOLERANCE = 1e-2  # what our own variants get in bf16


class CudaClock:
    def mark(self):
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def ms(self, begin, end):
        return begin.elapsed_time(end)

    def wait(self):
        torch.cuda.synchronize()


def normal(deviation, *extents):
    return torch.randn(*extents, device="cuda", dtype=torch.bfloat16).mul_(deviation)


class Layer:
    """SwiGLU experts behind a router of top k, then softmax; deviations as in our benchmark (docs/measurement.md)."""

    def __init__(self, sizes, stream):
        tokens, d, n, experts = (sizes[key] for key in ("tokens", "hidden_dim", "ffn_dim", "num_experts"))
        self.top_k, self.stream = sizes["top_k"], stream
        self.x, self.router = normal(0.2, tokens, d), normal((3 * d) ** -0.5, experts, d)
        self.w_up, self.w_down = normal(0.02, experts, 2 * n, d), normal(0.02, experts, d, n)
        self.leaves = [leaf.requires_grad_() for leaf in (self.x, self.router, self.w_up, self.w_down)]
        self.d_out = normal(0.2, tokens, d)

    def forward(self):
        w_up, w_down = self.w_up.permute(1, 2, 0), self.w_down.permute(1, 2, 0)
        inference = False
        return moe_TC_softmax_topk_layer(self.x, self.router, w_up, None, w_down, None, self.top_k,
                                         self.stream.cuda_stream, ActivationType.SWIGLU, inference)[0]

    def backward(self, output, retain=False):
        """Gradients in fresh tensors: none is added to what `.grad` holds, which would cost the original more."""
        return torch.autograd.grad(output, self.leaves, self.d_out, retain_graph=retain)

    @torch.no_grad()
    def error(self, num_tokens=32):
        """Relative error of some tokens' outputs against float32."""
        chosen = torch.randperm(len(self.x), device="cuda")[:num_tokens]
        logits, experts = (self.x @ self.router.T)[chosen].topk(self.top_k)
        truth = []
        for token, scores, ids in zip(chosen, logits.float().softmax(-1), experts):
            products = self.w_up[ids].float() @ self.x[token].float()
            gates, ups = products[:, 0::2], products[:, 1::2]  # rows of gate and up alternate
            outputs = self.w_down[ids].float() @ (torch.nn.functional.silu(gates) * ups)[:, :, None]
            truth.append(scores @ outputs[:, :, 0])
        truth = torch.stack(truth)
        return float((self.forward()[chosen].float() - truth).norm() / truth.norm())


def dense_products(sizes):
    """The layer's six expert products as cuBLAS batches of equal parts, each alone."""
    d, n, experts = (sizes[key] for key in ("hidden_dim", "ffn_dim", "num_experts"))
    rows = sizes["tokens"] * sizes["top_k"] // experts
    x, a, d_up = (normal(1.0, experts, rows, columns) for columns in (d, n, 2 * n))
    d_out = normal(1.0, experts, rows, d)
    w_up, w_down = normal(1.0, experts, 2 * n, d), normal(1.0, experts, d, n)
    operands = {
        "up": (x, w_up.mT), "down": (a, w_down.mT), "d_a": (d_out, w_down), "d_w_down": (d_out.mT, a),
        "d_x": (d_up, w_up), "d_w_up": (d_up.mT, x),
    }
    results = {name: torch.empty_like(torch.bmm(*pair)) for name, pair in operands.items()}
    return {name: Subject(lambda name=name: torch.bmm(*operands[name], out=results[name])) for name in operands}


def captured(run, stream, pool=None):
    """A CUDA graph of a call, and what the call returned."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream, pool=pool):
        kept = run()
    graph.replay()
    torch.cuda.synchronize()
    return graph, kept


def graph_subjects(layer, stream):
    """Replays of forward and backward; nothing where the original cannot be captured."""
    try:
        forward, output = captured(layer.forward, stream)
        backward, kept = captured(lambda: layer.backward(output, retain=True), stream, forward.pool())
    except RuntimeError as error:
        print(f"original_bench: no CUDA graphs: {error}", file=sys.stderr)
        return {}
    return {"fwd_graph": Subject(forward.replay),
            "bwd_graph": Subject(lambda alive=(output, kept): backward.replay())}


def measure(sizes, rounds):
    """What the record says of one shape."""
    stream = torch.cuda.Stream()
    torch.cuda.set_stream(stream)
    torch.manual_seed(0)
    layer = Layer(sizes, stream)
    for _ in range(3):  # the first call tunes
        gradients = layer.backward(layer.forward())
    error = layer.error()
    if error > TOLERANCE or not all(bool(each.isfinite().all()) for each in gradients):
        raise RuntimeError(f"the original's results are wrong: relative error of the forward {error:.1e}")
    del gradients
    layers = {"fwd_eager": Subject(layer.forward), "bwd_eager": Subject(layer.backward, layer.forward),
              **graph_subjects(layer, stream)}
    products = dense_products(sizes)
    ms = settle({**layers, **products}, CudaClock(), rounds)
    return {
        "device": torch.cuda.get_device_name(),
        "versions": {"sonicmoe": sonicmoe.__version__, "quack": quack.__version__, "torch": torch.__version__},
        "tuned": TUNED,
        "rounds": rounds,
        "ms": {name: round(ms[name], 4) for name in layers},
        "samples_ms": {name: [round(sample, 4) for sample in subject.samples_ms] for name, subject in layers.items()},
        "dense_ms": {name: round(ms[name], 4) for name in products},
        "forward_error": round(error, 6),
    }
