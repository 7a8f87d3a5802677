"""How the effect of a config's field is shown: what each function returns takes (model, field).

One step of a tiny model is looked at without its updates: what it asks `minimize` to lower, group
by group, and the losses that it reports. Weights are the same wherever the networks are.
"""

import contextlib
import dataclasses
import functools
import importlib
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import made_batch

from ganime_tf.layers.random import Dropout, random_scope
from ganime_tf.models import get_model, get_presets


def config_of(name: str, **changes):
    """The config of a model's tiny preset."""
    presets = get_presets(name)
    return dataclasses.replace(presets[f"{name}-tiny"], **changes)


def build(name: str, prepare=None, **changes):
    """A tiny model of seed 0; `prepare(model)` may change its weights."""
    keras.utils.set_random_seed(0)
    model = get_model(name)(config_of(name, **changes))
    if prepare:
        prepare(model)
    return model


@dataclasses.dataclass
class Step:
    """A step that was looked at: totals by group in the order of the updates, and the losses."""

    model: object
    totals: list
    parts: dict

    @property
    def groups(self) -> list[str]:
        return [group for group, _ in self.totals]

    def total(self, group: str) -> float:
        return sum(value for name, value in self.totals if name == group)


@functools.lru_cache(maxsize=8)
def _built(name, changes, prepare):
    return build(name, prepare, **dict(changes))


@contextlib.contextmanager
def configured(name: str, base: dict, prepare=None, **fields):
    """A model built once for `base`, meanwhile with these fields that its networks do not know."""
    model = _built(name, tuple(sorted(base.items())), prepare)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model, "config", dataclasses.replace(model.config, **fields))
        yield model


@functools.lru_cache(maxsize=64)
def _observe(name, changes, fields, plan, count, prepare, step) -> Step:
    totals, parts = [], {}
    with configured(name, dict(changes), prepare, **dict(fields)) as model:
        before = [np.array(variable) for variable in model.variables]
        own = {"minimize": lambda tape, loss, group: totals.append((group, float(loss)))}
        own["track"] = lambda **losses: parts.update({k: float(v) for k, v in losses.items()}) or {}
        model.__dict__.update(own)
        try:
            with random_scope(0, tf.constant(step, tf.int64)):
                model.train_step(made_batch(model, count=count), **dict(plan))
        finally:
            for attribute in own:
                del model.__dict__[attribute]
            for variable, value in zip(model.variables, before, strict=True):
                variable.assign(value)
    return Step(model, totals, parts)


def observe(name: str, *, plan=(), count: int = 2, prepare=None, step: int = 0, fields=(),
            **changes) -> Step:  # fmt: skip
    """Looks at one step of a tiny model.

    Args:
        name: Of the model.
        plan: Arguments of the step.
        count: Pictures of the batch.
        prepare: Changes the model before.
        step: Finished steps before it.
        fields: `{field: value}` that the networks do not depend on.
        changes: Other fields.
    """
    items = (tuple(sorted(dict(each).items())) for each in (changes, fields))
    return _observe(name, *items, tuple(plan), count, prepare, step)


# What a field can be shown to do.


def term(loss: str, *groups: str, also=None, factor=1.0, plan=(), step=0, count=2, **base):
    """A weight: the groups' totals grow by the weight's growth times the loss, nothing else does.

    Args:
        loss: The reported loss that is weighted.
        groups: Who lowers it; the generators without.
        also: Other groups with other losses of the same weight.
        factor: Of the product.
        plan: Arguments of the step.
        step: Finished steps before it.
        count: Pictures of the batch.
        base: Other fields.
    """
    weighted = dict.fromkeys(groups or ("generator",), loss) | (also or {})

    def check(name, field):
        first = getattr(config_of(name, **base), field) or 1.0
        options = {"plan": plan, "step": step, "count": count} | base | {field: first}
        one = observe(name, **options)
        largest = max(abs(one.total(group)) for group in weighted)
        size = max(largest, 1.0) / max(abs(factor * one.parts[loss]), 1e-6)
        two = observe(name, **options, fields={field: first + size})
        for group in set(one.groups):
            expected = size * factor * one.parts[weighted[group]] if group in weighted else 0.0
            scale = max(abs(one.total(group)), abs(expected), 1.0)
            found = two.total(group) - one.total(group)
            assert found == pytest.approx(expected, abs=2e-3 * scale), group
        assert abs(size * factor * one.parts[loss]) > 0.5  # there is something to see
        assert two.parts == pytest.approx(one.parts, rel=1e-4, abs=1e-6)

    return check


def hidden(prepare, *groups: str, **base):
    """A weight of something that is not reported: `prepare` makes it 1, the totals grow as much."""

    def check(name, field):
        options = {"prepare": prepare} | base | {field: 1.0}
        one, two = (observe(name, **options, fields=fields) for fields in ({}, {field: 4.0}))
        for group in set(one.groups):
            grown = two.total(group) - one.total(group)
            assert grown == pytest.approx(3.0 if group in groups else 0.0, abs=1e-3), group

    return check


def setting(attribute: str, *groups: str, change=None, **base):
    """A field that is a setting of the optimizers of some groups (all without)."""

    def check(name, field):
        new = getattr(config_of(name, **base), field) * 0.5 + 0.01
        optimizers = []
        for fields in ({}, {field: new}):
            with configured(name, base, **fields) as model:
                optimizers.append(model.default_optimizers(None))
        for group, changed in optimizers[1].items():
            expected = change(new) if change else new
            if groups and group not in groups:
                expected = _setting(optimizers[0][group], attribute)
            assert _setting(changed, attribute) == pytest.approx(expected, rel=1e-5), group

    return check


def _setting(optimizer, attribute):
    return float(keras.ops.convert_to_numpy(getattr(optimizer, attribute)))


def rates(group: str, expected: dict, *, steps_per_epoch: int, **base):
    """A field of the schedule: `{value: {step: rate of a group over its first one}}`."""

    def check(name, field):
        for value, wanted in expected.items():
            with configured(name, base, **{field: value}) as model:
                optimizer = model.default_optimizers(steps_per_epoch)[group]
            found = {}
            for step in wanted:
                optimizer.iterations.assign(step)
                found[step] = _setting(optimizer, "learning_rate") / model.config.learning_rate
            assert found == pytest.approx(wanted, abs=1e-4), value

    return check


def kernels(network: keras.Model) -> list[tuple]:
    """Shapes of the weights of a network that have more than one axis."""
    return [tuple(weight.shape) for weight in network.weights if len(weight.shape) > 1]


def width(*networks: str, index: int = 0, axis: int = -1, factor: int = 1, **base):
    """A count of channels: a kernel of the networks has so many."""

    def check(name, field):
        for value in (getattr(config_of(name, **base), field), None):
            value = value or 2 * getattr(config_of(name, **base), field)
            model = build(name, **base | {field: value})
            for network in networks:
                shape = kernels(getattr(model, network))[index]
                assert shape[axis] == factor * value, (network, shape)

    return check


def depth(*networks: str, kernels_each: int, change=1, **base):
    """A count of layers: one more adds so many kernels to the networks."""

    def check(name, field):
        value = getattr(config_of(name, **base), field)
        one, two = build(name, **base), build(name, **base | {field: value + change})
        for network in networks:
            grown = len(kernels(getattr(two, network))) - len(kernels(getattr(one, network)))
            assert grown == kernels_each * change, network

    return check


def passed(builder: str, keyword: str, values, *networks: str, **base):
    """The networks are what their builder makes of the field: it gets it, and they differ by it.

    Args:
        builder: Name in the model's module, or `module.name` of one that it imports.
        keyword: The builder's argument.
        values: Two values of the field.
        networks: Attributes of the model.
        base: Other fields.
    """

    def check(name, field):
        target = sys.modules[get_model(name).__module__]
        *path, last = builder.split(".")
        for part in path:
            target = getattr(target, part)
        original, made = getattr(target, last), []
        for value in values:
            given = []

            def spy(*args, given=given, **kwargs):
                given.append(kwargs[keyword])
                return original(*args, **kwargs)

            with replaced(target, last, spy):
                model = build(name, **base | {field: value})
            assert given and set(given) == {value}
            nets = [getattr(model, network) for network in networks]
            made.append([[_look(layer) for layer in _layers(net)] for net in nets])
        assert all(one != two for one, two in zip(*made, strict=True))

    return check


def chooses(builders: dict, **base):
    """Each value of the field has a builder of its own: `{value: name in the model's module}`."""

    def check(name, field):
        target = sys.modules[get_model(name).__module__]
        for value in builders:
            called = []

            def spied(kind, original, called=called):
                return lambda *args, **kwargs: called.append(kind) or original(*args, **kwargs)

            with pytest.MonkeyPatch.context() as patch:
                for kind, builder in builders.items():
                    patch.setattr(target, builder, spied(kind, getattr(target, builder)))
                build(name, **base | {field: value})
            assert set(called) == {value}

    return check


def _look(layer):
    """What makes a layer another one: its kind, its settings and its weights' shapes."""
    config = layer.get_config() if not isinstance(layer, keras.Model) else {}
    config = {k: v for k, v in config.items() if isinstance(v, int | float | str | tuple)}
    return type(layer).__name__, config, [tuple(weight.shape) for weight in layer.weights]


def _layers(network):
    return network._flatten_layers(include_self=False, recursive=True)


def dropout(*networks: str, layers: int = 1, **base):
    """The rate of every dropout layer of the networks, of which each has so many."""

    def check(name, field):
        for rate in (0.25, 0.5):
            model = build(name, **base | {field: rate})
            for network in networks:
                found = [x.rate for x in _layers(getattr(model, network)) if isinstance(x, Dropout)]
                assert found == [rate] * layers, network
        bare = build(name, **base | {field: 0.0})
        for network in networks:
            found = _layers(getattr(bare, network))
            assert not any(isinstance(x, Dropout) and x.rate for x in found)

    return check


SCORE = 0.3
_SOFT = np.log1p(np.exp(SCORE))
# What SCORE costs: the generator, and the discriminator for a real and for a generated picture.
JUDGED = {
    "lsgan": ((SCORE - 1) ** 2, (SCORE - 1) ** 2, SCORE**2),
    "bce": (_SOFT - SCORE, _SOFT - SCORE, _SOFT),
    "hinge": (-SCORE, 1 - SCORE, 1 + SCORE),
}


def says_score(*networks: str):
    """A function that makes judges say SCORE whatever they see."""

    def prepare(model):
        for network in networks:
            judge = getattr(model, network)

            def say(*args, judge=judge, **kwargs):
                seen_as = judge(*args, **kwargs)
                return tf.nest.map_structure(lambda y: tf.fill(tf.shape(y), SCORE), seen_as)

            setattr(model, network, say)

    return prepare


def adversarial(prepare, judges: int, *kinds, scale=1.0, fakes=1, loss="g_adversarial",
                judged="d_loss", **base):  # fmt: skip
    """The adversarial loss: what `judges` cost that say SCORE whatever they see.

    Args:
        prepare: `says_score(...)`.
        judges: How many there are.
        kinds: Values of the field.
        scale: Of the discriminators' loss.
        fakes: Sets of pictures that are not real.
        loss: Name of the generators' loss.
        judged: Name of the discriminators'.
        base: Other fields.
    """

    def check(name, field):
        for kind in kinds:
            options = {"prepare": prepare, "fields": {field: kind}}
            step = observe(name, **options, **base | {field: kinds[0]})
            generator, real, fake = JUDGED[kind]
            assert step.parts[loss] == pytest.approx(judges * generator, rel=1e-4), kind
            wanted = scale * judges * (real + fakes * fake)
            assert step.parts[judged] == pytest.approx(wanted, rel=1e-4), kind

    return check


def gradients(group: str, *, values, **options):
    """Another value leaves every loss as it is and changes what a group learns from them."""

    def check(name, field):
        model_losses, learned = [], []
        for value in values:
            model = build(name, **options | {field: value})
            found = {}

            def minimize(tape, loss, name, model=model, found=found):
                variables = model.group_variables(name)
                found[name] = [g for g in tape.gradient(loss, variables) if g is not None]

            model.minimize, losses = minimize, {}
            model.track = lambda losses=losses, **parts: losses.update(parts) or {}
            with random_scope(0, tf.constant(0, tf.int64)):
                model.train_step(made_batch(model))
            model_losses.append({k: float(v) for k, v in losses.items()})
            learned.append(np.concatenate([np.ravel(g) for g in found[group]]))
        assert model_losses[0] == pytest.approx(model_losses[1], rel=1e-4, abs=1e-6)
        assert np.linalg.norm(learned[0] - learned[1]) > 1e-2 * np.linalg.norm(learned[0])

    return check


def l2(group: str, decayed=lambda variable: True, **base):
    """Coupled weight decay: with a loss of 0 a variable's gradient is the field times its value."""

    def check(name, field):
        for value in (0.0, 0.125):
            model = build(name, **base | {field: value})
            sgd = {each: keras.optimizers.SGD(1.0) for each in model.groups}
            model.compile(sgd)
            variables = model.group_variables(group)
            before = [np.array(variable) for variable in variables]
            with tf.GradientTape() as tape:
                nothing = tf.add_n([0.0 * tf.reduce_sum(variable.value) for variable in variables])
            model.minimize(tape, nothing, group)
            for variable, old in zip(variables, before, strict=True):
                kept = 1.0 - value if decayed(variable) else 1.0
                np.testing.assert_allclose(np.array(variable), kept * old, atol=1e-6)

    return check


def loads(loader: str, values, **base):
    """A network that losses compare with: the loader is asked for the one that the field names."""

    def check(name, field):
        module, _, attribute = loader.rpartition(".")
        module = importlib.import_module(module)
        for value in values:
            model, asked = build(name, **base | {field: value}), []

            def spy(kind, *args, asked=asked, **kwargs):
                asked.append(kind)
                return lambda x: {}

            with replaced(module, attribute, spy):
                model.load_pretrained()
            assert asked == [value]

    return check


def order(**groups):
    """The order of a step's updates for each value of the field."""

    def check(name, field):
        for value, wanted in groups.items():
            assert observe(name, **{field: value}).groups == wanted

    return check


def parts(*changed: str, values, rel=1e-3, **options):
    """Another value changes these losses and no other."""

    def check(name, field):
        one = observe(name, **options, **{field: values[0]})
        two = observe(name, **options, **{field: values[0]}, fields={field: values[1]})
        for loss in one.parts:
            same = two.parts[loss] == pytest.approx(one.parts[loss], rel=rel)
            assert same == (loss not in changed), (loss, one.parts[loss], two.parts[loss])

    return check


def seen(node: str):
    """A test elsewhere that shows the effect: its file and name, as pytest has them."""
    return node


ADAM = {
    "learning_rate": setting("learning_rate"),
    "beta_1": setting("beta_1"),
    "beta_2": setting("beta_2"),
    "epsilon": setting("epsilon"),
}


def pool_keeps(name, field):
    for size in (0, 3):
        model = build(name, **{field: size})
        for pool in (model.pool_a, model.pool_b):
            pictures = tf.ones((6, *pool.images.shape[1:])) if size else tf.ones((6, 8, 8, 3))
            pool(pictures)
            assert (int(pool.count) if size else 0) == size


@contextlib.contextmanager
def replaced(target, attribute, value):
    """Meanwhile an attribute has another value."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, attribute, value)
        yield
