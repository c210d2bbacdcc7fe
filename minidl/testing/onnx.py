"""ONNX operators, run by onnx's reference evaluator, as candidates."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .adapters import Arrays, Candidate
from .case import Case

__all__ = ["onnx_operator"]


def _windows(case: Case) -> dict[str, Any]:
    """kernel, stride, padding of a pooling case, which follow its input."""
    kernel, stride, padding = case.args[1:4]
    return {"kernel_shape": kernel, "strides": stride or kernel, "pads": (*padding, *padding)}


def _convolution(case: Case) -> dict[str, Any]:
    k = case.kwargs
    found = {"strides": k["stride"], "pads": (*k["padding"], *k["padding"]), "dilations": k["dilation"], "group": k["groups"]}
    return found | ({"output_padding": k["output_padding"]} if "output_padding" in k else {})


ATTRIBUTES: dict[str, Callable[[Case], dict[str, Any]]] = {
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "MaxPool": lambda c: _windows(c) | {"ceil_mode": int(c.kwargs["ceil_mode"]), "dilations": c.kwargs["dilation"]},
    "AveragePool": lambda c: _windows(c) | {"ceil_mode": int(c.kwargs["ceil_mode"]), "count_include_pad": int(c.kwargs["count_include_pad"])},
    "Softmax": lambda c: {"axis": c.args[1]},
    "LogSoftmax": lambda c: {"axis": c.args[1]},
}


class OnnxCandidate(Candidate):
    def __init__(self, op_type: str, attributes: Callable[[Case], dict[str, Any]], opset: int) -> None:
        super().__init__(op_type, f"onnx_operator({op_type!r}, opset={opset})")
        self.attributes, self.opset = attributes, opset

    def outputs(self, case: Case) -> Arrays:
        """One model of one node, whose inputs are the leading arrays among the case's arguments."""
        helper, reference = importlib.import_module("onnx.helper"), importlib.import_module("onnx.reference")
        arrays = [a for a in case.args if isinstance(a, np.ndarray)]
        names = [f"x{i}" for i in range(len(arrays))]
        node = helper.make_node(self.function, names, ["y"], **self.attributes(case))
        kinds = [helper.np_dtype_to_tensor_dtype(a.dtype) for a in arrays]
        graph = helper.make_graph([node], "g", [helper.make_tensor_value_info(n, k, a.shape) for n, k, a in zip(names, kinds, arrays)],
                                  [helper.make_tensor_value_info("y", kinds[0], None)])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        return list(reference.ReferenceEvaluator(model).run(None, dict(zip(names, arrays))))


def onnx_operator(op_type: str, attributes: Callable[[Case], dict[str, Any]] | None = None, opset: int = 22) -> Candidate:
    """An ONNX operator; `attributes` turns a case into the node's attributes (known for Conv, ConvTranspose, pooling and softmax)."""
    return OnnxCandidate(op_type, attributes or ATTRIBUTES[op_type], opset)
