"""Networks on pictures that do not fit in memory: strip by strip, equal to the untiled result.

A network's graph is cut at the layers that look at the whole picture (layers/whole.py). Stage by
stage, each strip of rows is read with the overlap that the stage's convolutions need, computed up
to the next such layer, and kept, in memory or in a temporary file; the sums for that layer are
gathered meanwhile. Every pixel of every layer is computed about once.

The quick way takes the sums from a reduced copy of the picture: one pass, nothing is kept, and the
result is near, not equal.
"""

import math
import tempfile
from collections import Counter

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.inference.flat import Graph
from ganime_tf.inference.regions import Pointwise, rule_for
from ganime_tf.layers.whole import whole_picture

_QUICK_SIDE = 512


class _Kept:
    """A tensor of the whole picture, in memory or, when that is too much, in a temporary file."""

    def __init__(self, shape: tuple, on_disk: bool):
        self.shape = shape
        self.nbytes = 0 if on_disk else int(np.prod(shape)) * 4
        self._row = int(np.prod(shape[2:])) * 4
        self._array = None if on_disk else np.empty(shape, np.float32)
        self._file = tempfile.TemporaryFile() if on_disk else None
        if on_disk and shape[0] != 1:
            raise ValueError("Tiles are of one picture at a time.")

    def write(self, lo: int, rows) -> None:
        rows = np.asarray(rows, np.float32)
        if self._file is None:
            self._array[:, lo : lo + rows.shape[1]] = rows
        else:
            self._file.seek(lo * self._row)
            self._file.write(np.ascontiguousarray(rows).data)

    def read(self, lo: int, hi: int) -> np.ndarray:
        if self._file is None:
            return self._array[:, lo:hi]
        self._file.seek(lo * self._row)
        content = self._file.read((hi - lo) * self._row)
        return np.frombuffer(content, np.float32).reshape(1, hi - lo, *self.shape[2:])

    def all(self) -> np.ndarray:
        return self.read(0, self.shape[1])


class StripRunner:
    """Runs networks of a model strip by strip; `wrap` stands in for a network.

    Args:
        tile: Side of a square of as many pixels as a strip has.
        quick: Sums from a reduced copy instead of the whole picture.
        memory: Bytes of features that are kept in memory; more goes to temporary files.
        progress: Called with (finished strips, all strips).
    """

    def __init__(self, tile: int = 512, *, quick: bool = False, memory: int = 512 << 20,
                 progress=None):  # fmt: skip
        if tile < 16:
            raise ValueError(f"`tile` must be at least 16 pixels. Received {tile}.")
        self.tile, self.quick, self.memory = tile, quick, memory
        self.progress = progress or (lambda done, total: None)
        self._graphs: dict[int, Graph] = {}
        self._compiled: dict[int, object] = {}

    def wrap(self, network: keras.Model):
        """Returns a function with the network's calls, strip by strip where the input is large."""

        def call(inputs, training=False):
            del training
            flat = inputs if isinstance(inputs, list | tuple) else [inputs]
            spatial = [x for x in flat if len(x.shape) == 4]
            if not spatial or spatial[0].shape[1] * spatial[0].shape[2] <= self.tile**2:
                return self._whole(network, inputs)
            if spatial[0].shape[0] != 1:
                raise ValueError("Tiles are of one picture at a time.")
            return self.run(network, flat)

        return call

    def _whole(self, network: keras.Model, inputs):
        # Compiled: an eager call of a Keras network keeps all of its features to the end.
        if id(network) not in self._compiled:
            self._compiled[id(network)] = tf.function(
                lambda x: network(x, training=False), reduce_retracing=True
            )
        return self._compiled[id(network)](inputs)

    def run(self, network: keras.Model, inputs: list):
        """Runs a network on arrays or tensors; returns what the network returns."""
        graph = self._graphs.setdefault(id(network), Graph(network))
        known = None
        if self.quick:
            small = [_reduced(x) for x in inputs]
            known = _Pass(graph, small, 1, self.memory, None, lambda *_: None).run()[1]
        height, width = next(x.shape[1:3] for x in inputs if len(x.shape) == 4)
        strips = min(math.ceil(height * width / self.tile**2), height)
        outputs, _ = _Pass(graph, inputs, strips, self.memory, known, self.progress).run()
        return keras.tree.pack_sequence_as(graph.structure, outputs)


def _reduced(x):
    if len(x.shape) != 4 or max(x.shape[1:3]) <= _QUICK_SIDE:
        return x
    scale = _QUICK_SIDE / max(x.shape[1:3])
    # A multiple of every stride there is.
    size = [max(64, round(side * scale / 64) * 64) for side in x.shape[1:3]]
    return tf.image.resize(x, size, antialias=True)


class _Pass:
    """One network on one picture: the stages, one after another."""

    def __init__(self, graph: Graph, inputs, strips: int, memory: int, known, progress):
        self.graph, self.strips, self.known, self.progress = graph, strips, known, progress
        self.memory = memory
        self.shapes = graph.shapes([tuple(x.shape) for x in inputs])
        self.whole = [whole_picture(step.operation) for step in graph.steps]
        self.global_ = {}  # number -> value, of tensors without height and width
        self.kept: dict[int, object] = {}
        self.sums: dict[int, dict] = {}
        self.is_global = {}
        for number, x in zip(graph.inputs, inputs, strict=True):
            self.is_global[number] = len(x.shape) != 4
            if self.is_global[number]:
                self.global_[number] = x
            else:
                self.kept[number] = _Given(x)
        self._plan()

    def _plan(self) -> None:
        """Which stage computes what: a stage ends where sums of the whole picture are wanted."""
        graph = self.graph
        self.stage = dict.fromkeys(graph.inputs, 0)
        self.step_stage, self.rules = [], []
        for index, step in enumerate(graph.steps):
            stage = max((self.stage[n] for n in step.inputs), default=0)
            whole = self.whole[index]
            if whole is not None and self.is_global[step.inputs[0]]:
                whole = self.whole[index] = None
            if whole is not None and self.known is None:
                stage = max(stage, self.stage[step.inputs[0]] + 1)
            all_global = all(self.is_global[n] for n in step.inputs)
            for position, number in enumerate(step.outputs):
                self.stage[number] = stage
                self.is_global[number] = all_global or (
                    whole is not None and whole.global_outputs[position]
                )
            self.step_stage.append(stage)
            plain = whole is None and not all_global
            self.rules.append(rule_for(step.operation, step.arguments) if plain else None)
            if plain:
                self.rules[-1].shape = self.shapes[step.outputs[0]]
        self.num_stages = 1 + max(self.stage[n] for n in graph.outputs)

    def run(self):
        """Returns the outputs, flat, and the sums by the number of their step."""
        total = self.num_stages * self.strips
        for stage in range(self.num_stages):
            self._run_stage(stage, total)
        outputs = [
            self.global_[n] if self.is_global[n] else tf.convert_to_tensor(self.kept[n].all())
            for n in self.graph.outputs
        ]
        return outputs, self.sums

    def _sums_of(self, index: int) -> dict:
        return self.known[index] if self.known is not None else self.sums[index]

    def _run_stage(self, stage: int, total: int) -> None:
        steps = [i for i, s in enumerate(self.step_stage) if s == stage]
        self._run_globals(steps)
        measured = [
            i for i, whole in enumerate(self.whole)
            if whole is not None and self.known is None
            and self.stage[self.graph.steps[i].inputs[0]] == stage
        ]  # fmt: skip
        kept = self._to_keep(stage)
        live = sum(k.nbytes for k in self.kept.values())
        for number in kept:
            shape = self.shapes[number]
            live += int(np.prod(shape)) * 4
            self.kept[number] = _Kept(shape, on_disk=live > self.memory)
        for strip in range(self.strips):
            wanted = {}
            for number in [*kept, *(self.graph.steps[i].inputs[0] for i in measured)]:
                wanted[number] = self._rows(number, strip)
            wanted = {number: rows for number, rows in wanted.items() if rows[0] < rows[1]}
            values = self._compute(steps, dict(wanted))
            for number in kept:
                if number in wanted:
                    lo, hi = wanted[number]
                    x, first = values[number]
                    self.kept[number].write(lo, x[:, lo - first : hi - first])
            for index in measured:
                number = self.graph.steps[index].inputs[0]
                if number not in wanted:
                    continue
                lo, hi = wanted[number]
                x, first = values[number]
                whole = self.whole[index]
                sums = whole.partial(
                    x[:, lo - first : hi - first], first=lo, height=self.shapes[number][1]
                )
                self.sums[index] = (
                    whole.merge(self.sums[index], sums) if index in self.sums else sums
                )
            self.progress(stage * self.strips + strip + 1, total)
        self._drop(stage)

    def _rows(self, number: int, strip: int) -> tuple[int, int]:
        height = self.shapes[number][1]
        return height * strip // self.strips, height * (strip + 1) // self.strips

    def _to_keep(self, stage: int) -> list[int]:
        """Tensors of this stage that later stages read, and the network's outputs."""
        numbers = []
        for number, own in self.stage.items():
            if own != stage or self.is_global[number] or number in self.kept:
                continue
            later = any(
                number in step.inputs and self.step_stage[i] > stage
                for i, step in enumerate(self.graph.steps)
            )
            if later or number in self.graph.outputs:
                numbers.append(number)
        return numbers

    def _drop(self, stage: int) -> None:
        for number in list(self.kept):
            later = any(
                number in step.inputs and self.step_stage[i] > stage
                for i, step in enumerate(self.graph.steps)
            )
            if not later and number not in self.graph.outputs:
                del self.kept[number]

    def _run_globals(self, steps: list[int]) -> None:
        """Codes, logits and whatever is computed from them, once."""
        for index in steps:
            step, whole = self.graph.steps[index], self.whole[index]
            if whole is not None and any(whole.global_outputs):
                number = step.inputs[0]
                blank = None
                if not all(whole.global_outputs):  # the others are made strip by strip
                    _, _, width, channels = self.shapes[number]
                    blank = tf.zeros((1, 1, width, channels))
                out = whole.finish(self._sums_of(index), blank)
                out = out if isinstance(out, list | tuple) else [out]
                for number, value in zip(step.outputs, out, strict=True):
                    if self.is_global[number]:
                        self.global_[number] = value
            elif all(self.is_global[n] for n in step.inputs):
                args, kwargs = step.fill(self.global_)
                out = step.operation(*args, **kwargs)
                out = out if isinstance(out, list | tuple) else [out]
                self.global_ |= dict(zip(step.outputs, out, strict=True))

    def _compute(self, steps: list[int], wanted: dict) -> dict:
        """Values `(rows, first row)` of the wanted rows of tensors, by the steps of a stage."""
        demand = dict(wanted)
        todo = []
        for index in reversed(steps):
            step = self.graph.steps[index]
            rows = [demand[n] for n in step.outputs if n in demand]
            if not rows:
                continue
            lo, hi = min(r[0] for r in rows), max(r[1] for r in rows)
            rule = self.rules[index]
            for number in self._sources(index):
                if self.is_global[number]:
                    continue
                height = self.shapes[number][1]
                need = (lo, hi) if rule is None else rule.need(lo, hi, height)
                old = demand.get(number, need)
                demand[number] = (min(old[0], need[0]), max(old[1], need[1]))
            todo.append((index, lo, hi))
        uses = Counter(n for index, *_ in todo for n in set(self._sources(index)))
        made = {number for index, *_ in todo for number in self.graph.steps[index].outputs}
        values = {
            number: (tf.convert_to_tensor(self.kept[number].read(*rows)), rows[0])
            for number, rows in demand.items()
            if number not in made
        }
        for index, lo, hi in reversed(todo):
            step = self.graph.steps[index]
            out = self._one(index, step, lo, hi, values)
            out = out if isinstance(out, list | tuple) else [out]
            for number, value in zip(step.outputs, out, strict=True):
                if not self.is_global[number]:
                    values[number] = (value, lo)
            for number in set(self._sources(index)):
                uses[number] -= 1
                if not uses[number] and number not in wanted:
                    values.pop(number, None)
        return values

    def _sources(self, index: int) -> list[int]:
        """Inputs whose values a step needs; a layer that looks at neighbours has one."""
        rule, inputs = self.rules[index], self.graph.steps[index].inputs
        return inputs if rule is None or isinstance(rule, Pointwise) else inputs[:1]

    def _one(self, index, step, lo, hi, values):
        rule, whole = self.rules[index], self.whole[index]

        def rows(number, start, end):
            if self.is_global[number]:
                return self.global_[number]
            x, first = values[number]
            return x[:, start - first : end - first]

        if whole is not None:
            return whole.finish(self._sums_of(index), *(rows(n, lo, hi) for n in step.inputs))
        if isinstance(rule, Pointwise):
            args, kwargs = step.fill({n: rows(n, lo, hi) for n in step.inputs})
            return step.operation(*args, **kwargs)
        number = step.inputs[0]
        height = self.shapes[number][1]
        start, end = rule.need(lo, hi, height)
        return rule.run(rows(number, start, end), start, lo, hi, height)


class _Given:
    """An input of the network, which is there already."""

    nbytes = 0

    def __init__(self, x):
        self._x = x

    def read(self, lo: int, hi: int):
        return self._x[:, lo:hi]

    def all(self):
        return self._x
