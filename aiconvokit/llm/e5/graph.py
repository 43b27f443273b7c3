"""Makes graph.onnx, the model without its weights; `python -m aiconvokit.llm.e5.graph` renews it.

Only developers need the package onnx. The weights come in when a session opens (see `engine`).
"""

from pathlib import Path
from typing import Any

from onnx import ModelProto, NodeProto, TensorProto, helper

from aiconvokit.llm.e5.matrices import MATRICES, block_of
from aiconvokit.llm.e5.weights import EPSILON, HEADS, HIDDEN, LAYERS

PATH = Path(__file__).with_name("graph.onnx")
_CONTRIB = "com.microsoft"
_OPSETS = {"": 17, _CONTRIB: 1}
_IR_VERSION = 9
"""What ONNX Runtime read in 2023 already."""


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def weight(self, name: str, shape: list[int], kind: int = TensorProto.FLOAT) -> str:
        """A weight whose value is given when a session opens."""
        tensor = TensorProto(
            name=name, dims=shape, data_type=kind, data_location=TensorProto.EXTERNAL
        )
        tensor.external_data.add(key="location", value="given by the engine")
        self.weights.append(tensor)
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        domain = "" if op in {"Add", "LayerNormalization"} else _CONTRIB
        self.nodes.append(helper.make_node(op, inputs, [output], domain=domain, **attributes))
        return output

    def linear(self, name: str, source: str) -> str:
        """Weights in 8 bits; accuracy level 4: activations in 8 bits too, scaled by the block."""
        rows, columns = MATRICES[name.split(".")[1]]
        block = block_of(name)
        inputs = [
            source,
            self.weight(f"{name}.w", [rows, columns // block, block], TensorProto.UINT8),
            self.weight(f"{name}.s", [rows * columns // block]),
            *["", ""],
            self.weight(f"{name}.b", [rows]),
        ]
        shape = {"K": columns, "N": rows, "bits": 8, "block_size": block, "accuracy_level": 4}
        return self.node("MatMulNBits", inputs, name, **shape)

    def norm(self, name: str, source: str) -> str:
        inputs = [source, self.weight(f"{name}.w", [HIDDEN]), self.weight(f"{name}.b", [HIDDEN])]
        return self.node("LayerNormalization", inputs, name, axis=-1, epsilon=EPSILON)

    def layer(self, prefix: str, source: str) -> str:
        query, key, value = (self.linear(f"{prefix}.{part}", source) for part in "qkv")
        context = f"{prefix}.context"
        self.node("MultiHeadAttention", [query, key, value], context, num_heads=HEADS)
        mixed = self.linear(f"{prefix}.ao", context)
        source = self.norm(f"{prefix}.aln", self.node("Add", [source, mixed], f"{prefix}.attended"))
        inner = self.node("Gelu", [self.linear(f"{prefix}.fi", source)], f"{prefix}.inner")
        outer = self.linear(f"{prefix}.fo", inner)
        return self.norm(f"{prefix}.oln", self.node("Add", [source, outer], f"{prefix}.sum"))


def build() -> ModelProto:
    """The graph: embedded tokens to the last layer's states, without padding."""
    graph = _Graph()
    states = graph.norm("emb.ln", "embedded")
    for number in range(LAYERS):
        states = graph.layer(f"l{number}", states)
    shape: list[str | int | None] = [1, "length", HIDDEN]
    info = helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes,
        "multilingual-e5-small",
        [info("embedded", TensorProto.FLOAT, shape)],
        [info(states, TensorProto.FLOAT, shape)],
        graph.weights,
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    return helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION)


if __name__ == "__main__":
    PATH.write_bytes(build().SerializeToString(deterministic=True))
