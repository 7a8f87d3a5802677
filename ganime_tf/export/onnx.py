"""ONNX by tf2onnx, opset 15 to 18: a file for each use, since an ONNX file holds one graph.

tf2onnx 1.17 knows no opset above 18, and Keras' own `export(format="onnx")` is the same converter
behind a check that refuses models which were never called: it is called directly here.
"""

import contextlib
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from ganime_tf.lite.runner import ABOUT_NAME
from ganime_tf.models.graphs import graph_of, input_spec


def write(request) -> dict[str, str]:
    """Writes a file for every use; returns the uses that ONNX cannot hold."""
    left_out, graphs = {}, {}
    for name in request.uses:
        try:
            graphs[name] = _convert(request, name)
        except _NotHeld as error:
            left_out[name] = str(error)
    if not graphs:
        raise ValueError(f"ONNX cannot hold this model: {next(iter(left_out.values()))}")
    first = next(iter(graphs))
    files = {
        use: request.path.name if use == first else f"{request.path.stem}.{use}.onnx"
        for use in graphs
    }
    about = request.about(graphs) | {"opset": request.opset, "files": files}
    for use, proto in graphs.items():
        if request.precision == "float16":
            _halve(proto)
        entry = proto.metadata_props.add()
        entry.key, entry.value = ABOUT_NAME, json.dumps(about | {"use": use})
        request.path.with_name(files[use]).write_bytes(proto.SerializeToString())
    return left_out


def is_own(path: Path) -> bool:
    """Whether a file was written by an export."""
    import onnx

    try:
        proto = onnx.load(str(path), load_external_data=False)
    except Exception:  # whatever it is, it is not ours
        return False
    return any(entry.key == ABOUT_NAME for entry in proto.metadata_props)


class _NotHeld(ValueError):
    """ONNX has not the operations."""


@contextlib.contextmanager
def _quiet():
    """The converter's notes stay away: what it says in vain is said by us."""
    names = ("tf2onnx", "tf2onnx.tfonnx", "tf2onnx.optimizer")
    levels = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    try:
        for logger, _ in levels:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in levels:
            logger.setLevel(level)


def _convert(request, name: str):
    import onnx
    import tf2onnx

    use = request.model.uses()[name]
    graph = graph_of(use, 1, 1)
    specs = [input_spec(key, request.shape_of(key), 1) for key in use.inputs]

    def positional(*values):
        # Not by the use's word: an output may not have the name of an input.
        return {"result": graph(**dict(zip(use.inputs, values, strict=True)))}

    try:
        with _quiet():
            function = tf.function(positional, input_signature=specs)
            proto, _ = tf2onnx.convert.from_function(function, specs, opset=request.opset)
            onnx.checker.check_model(proto)
    except Exception as error:  # it raises many kinds
        raise _NotHeld((str(error).strip().splitlines() or [repr(error)])[0][:200]) from error
    known = {each.domain for each in proto.opset_import}
    odd = {node.op_type for node in proto.graph.node if node.domain not in ("", "ai.onnx")}
    missing = {n.op_type for n in proto.graph.node if not _in_schema(n, request.opset)} | odd
    if missing:
        raise _NotHeld(f"ONNX has no operation for {', '.join(sorted(missing))} ({known})")
    return proto


def _in_schema(node, opset: int) -> bool:
    import onnx

    return node.domain not in ("", "ai.onnx") or onnx.defs.has(node.op_type)


def _halve(proto) -> None:
    """Stores large float32 weights as float16, widened again where they are used."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in proto.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < 256:
            continue
        name = tensor.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}__half")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for node in reversed(casts):
        proto.graph.node.insert(0, node)
