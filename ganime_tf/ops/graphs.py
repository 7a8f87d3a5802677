"""What the graph of a SavedModel can do besides computing, read from its file, not run."""

import re
from pathlib import Path

# Operations with a state that stays in the process: variables, tables, calls, random numbers.
_HARMLESS = re.compile(
    r"(Read|Assign(Add|Sub)?)VariableOp|VarHandleOp|VarIsInitializedOp|DestroyResourceOp"
    r"|VariableShape|Resource(Gather|GatherNd|Scatter\w+)|DisableCopyOnRead|Variable(V2)?"
    r"|(Stateful)?PartitionedCall|(Stateless)?(While|If|Case)|For|SymbolicGradient|Assert|NoOp"
    r"|Placeholder(WithDefault|V2)?|Random\w+|Multinomial|TruncatedNormal|ParameterizedTrunc\w+"
    r"|Stateful(Standard|Uniform|Truncated|Random)\w*|Rng\w+|NonDeterministicInts"
    r"|(Mutable(DenseHash|Hash|HashTableOfTensors)|Hash|Anonymous\w*Hash)Table(V2|OfTensors(V2)?)?"
    r"|LookupTable(Find|Import|Insert|Size|Export|Remove)(V2)?|InitializeTable(V2)?"
    r"|Stack(Push|Pop|Close)?V2|TensorArray\w*|EmptyTensorList|CollectiveReduce\w*|XlaLaunch"
)
# Without a state, and yet they reach files, other machines or Python.
_REACHING = re.compile(r"\w*(File|Directory|PyFunc|Dataset|Iterator|Remote|Checkpoint|Restore)\w*")


def reaching_operations(folder: str | Path) -> list[str]:
    """Names the operations of a SavedModel with which it could do more than compute.

    Opening a SavedModel and calling it runs the operations that its author chose, also those that
    read and write files. All that loading and the signatures can reach is looked at; the functions
    that save and restore variables, which are in every file, are not run when it is opened.

    Args:
        folder: Where `saved_model.pb` lies.

    Returns:
        Their names, sorted; empty when the graph only computes.

    Raises:
        ValueError: When the file cannot be read.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
    from tensorflow.python.framework import op_def_registry

    path, model = Path(folder) / "saved_model.pb", SavedModel()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ValueError(f"{path} is damaged: {error}.") from error
    found = set()
    for graph in model.meta_graphs:
        functions = {each.signature.name: each for each in graph.graph_def.library.function}
        roots = [name for name in graph.object_graph_def.concrete_functions if name in functions]
        nodes = [] if roots else list(graph.graph_def.node)  # of TensorFlow 1: all of it is run
        waiting, seen = (roots or list(functions)), set()
        while waiting or nodes:
            if waiting:
                name = waiting.pop()
                if name in seen:
                    continue
                seen.add(name)
                nodes = list(functions[name].node_def)
            for node in nodes:
                waiting += [name for name in _called(node) if name in functions]
                known = op_def_registry.get(node.op)
                if node.op in functions or _HARMLESS.fullmatch(node.op):
                    continue
                if known is None or known.is_stateful or _REACHING.fullmatch(node.op):
                    found.add(node.op)
            nodes = []
    return sorted(found)


def _called(node) -> list[str]:
    """Names of the functions that a node calls."""
    names = [node.op]
    for value in node.attr.values():
        names += [value.func.name] if value.func.name else []
        names += [function.name for function in value.list.func]
    return names


def check_only_computes(folder: str | Path) -> None:
    """Refuses a SavedModel that could do more than compute.

    Raises:
        ValueError: Names the operations.
    """
    if found := reaching_operations(folder):
        names = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
        raise ValueError(
            f"{folder} can do more than compute: its graph has {names}. Open it with --trust "
            "(`trust=True`) if you trust who made it with your files."
        )
