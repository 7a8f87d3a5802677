"""The operations of a functional Keras network as a plain list."""

import dataclasses

import keras


@dataclasses.dataclass
class _Step:
    """One operation of the flattened graph; tensors are numbers."""

    operation: object
    arguments: object
    ids: dict  # id of a Keras tensor -> number
    inputs: list[int]
    outputs: list[int]

    def fill(self, values: dict):
        """Arguments with the tensors' values in their places."""
        return self.arguments.fill_in({key: values[number] for key, number in self.ids.items()})


class Graph:
    """The operations of a functional Keras network in order, networks inside it unfolded.

    Args:
        network: A functional model.

    Raises:
        ValueError: When the network is of another kind.
    """

    def __init__(self, network: keras.Model):
        if not hasattr(network, "_nodes_by_depth"):
            raise ValueError(f"{network.name} is no functional network: it cannot run in tiles.")
        self.steps: list[_Step] = []
        self._count = 0
        self.inputs = [self._number() for _ in network.inputs]
        names = dict(zip(map(id, network.inputs), self.inputs, strict=True))
        self.outputs = self._unfold(network, names)
        self.structure = network._outputs_struct

    def _number(self) -> int:
        self._count += 1
        return self._count - 1

    def _unfold(self, network, names: dict) -> list[int]:
        for depth in sorted(network._nodes_by_depth, reverse=True):
            for node in network._nodes_by_depth[depth]:
                if node.is_input or not node.operation:
                    continue
                ids = {id(x): names[id(x)] for x in node.arguments.keras_tensors}
                inputs = [names[id(x)] for x in node.arguments.keras_tensors]
                if hasattr(node.operation, "_nodes_by_depth"):
                    inner = dict(zip(map(id, node.operation.inputs), inputs, strict=True))
                    outputs = self._unfold(node.operation, inner)
                else:
                    outputs = [self._number() for _ in node.outputs]
                    self.steps.append(_Step(node.operation, node.arguments, ids, inputs, outputs))
                names |= dict(zip(map(id, node.outputs), outputs, strict=True))
        return [names[id(x)] for x in network.outputs]

    def shapes(self, inputs: list[tuple]) -> dict[int, tuple]:
        """Shapes of all tensors for those of the inputs."""
        specs = {n: keras.KerasTensor(s) for n, s in zip(self.inputs, inputs, strict=True)}
        for step in self.steps:
            args, kwargs = step.fill(specs)
            out = step.operation.compute_output_spec(*args, **kwargs)
            out = out if isinstance(out, list | tuple) else [out]
            specs |= dict(zip(step.outputs, out, strict=True))
        return {number: tuple(spec.shape) for number, spec in specs.items()}
