"""Integrated gradients by PyTorch's autograd, for comparison: one line of milliseconds for every line read.

Usage: integratedGradients.py FOLDER THREADS. FOLDER holds graph.json (nodes in order, tensors with their place in
weights.bin, points and weights of the quadrature, targets) and weights.bin (float32, little-endian).
"""

import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
with open(os.path.join(folder, "graph.json"), encoding="utf-8") as file:
    graph = json.load(file)
numbers = np.fromfile(os.path.join(folder, "weights.bin"), dtype="<f4")


def tensor_at(entry):
    count = int(np.prod(entry["dims"], dtype=np.int64))
    part = numbers[entry["start"] : entry["start"] + count]
    return torch.from_numpy(part.reshape(entry["dims"]).copy())


constants = {name: tensor_at(entry) for name, entry in graph["tensors"].items()}
x = constants.pop("x")
targets = torch.tensor(graph["targets"])
rule = list(zip(graph["points"], graph["weights"]))


def window(attributes):
    # Symmetric pads only: begin and end of every axis are equal.
    rank = len(attributes["kernel_shape"])
    return attributes["strides"], attributes["pads"][:rank]


def conv(node, value, weight, bias=None):
    strides, pads = window(node["attributes"])
    return F.conv2d(value, weight, bias, stride=strides, padding=pads)


def max_pool(node, value):
    strides, pads = window(node["attributes"])
    return F.max_pool2d(value, node["attributes"]["kernel_shape"], stride=strides, padding=pads)


def gemm(node, value, weight, bias=None):
    return value @ weight if bias is None else torch.addmm(bias, value, weight)


operators = {
    "Conv": conv,
    "MaxPool": max_pool,
    "Gemm": gemm,
    "Relu": lambda node, value: F.relu(value),
    "Add": lambda node, a, b: a + b,
    "GlobalAveragePool": lambda node, value: value.mean(dim=(2, 3), keepdim=True),
    "Flatten": lambda node, value: torch.flatten(value, 1),
}


def forward(point):
    values = {"x": point}
    for node in graph["nodes"]:
        operands = [values[name] if name in values else constants[name] for name in node["inputs"]]
        values[node["output"]] = operators[node["opType"]](node, *operands)
    return values[graph["output"]]


def integrated_gradients():
    # The baseline is zero; every step takes all rows as one batch.
    total = torch.zeros_like(x)
    for point, weight in rule:
        at = (x * point).requires_grad_()
        chosen = forward(at).gather(1, targets[:, None]).sum()
        (gradient,) = torch.autograd.grad(chosen, at)
        total += weight * gradient
    return total * x


scores = integrated_gradients()
print(json.dumps({"sum": float(scores.double().sum()), "version": torch.__version__}), flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    integrated_gradients()
    print((time.perf_counter() - start) * 1000, flush=True)
