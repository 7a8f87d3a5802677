"""The contract of everything that trains: what a paper's class provides and what it inherits."""

import contextlib
import dataclasses

import keras
import tensorflow as tf

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.models.graphs import graph_of
from ganime_tf.models.saving import Saving
from ganime_tf.models.stepping import NotTracked, Stepping
from ganime_tf.models.uses import Runner


@contextlib.contextmanager
def _dtype_policy(policy):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


class Trainable(Stepping, Saving, keras.Model, Runner):
    """A paper's training: networks, who updates which, and the step.

    A subclass sets `Config`, `presets`, `batch_keys`, `loss_names` and `data_kind`, and writes
    `build_networks`, `default_optimizers`, `train_step` and `uses`.

    Args:
        config: An instance of `Config`; defaults to the paper's values.
        name: Name of the model.
        dtype: Keras dtype policy, e.g. "mixed_bfloat16".
        **overrides: Fields of the config to replace.

    Attributes:
        step: int64 weight: finished steps of training, the only counter.
        bad_step: int64 weight: the first step with a loss that was not finite, -1 without.

    Raises:
        TypeError: On a config of another class or an unknown field.
    """

    Config = TrainableConfig
    presets: dict[str, TrainableConfig] = {}
    batch_keys: tuple[str, ...] = ()
    loss_names: tuple[str, ...] = ()
    data_kind: str = "paired"
    parts: dict[str, str] = {}
    """Networks that another model trained, `{attribute: model}`: given by `--from`, frozen."""
    stride: int = 1
    """Framed inputs are padded to multiples of this."""
    seed: int = 0
    steps_per_epoch: int | None = None
    look_seconds: float = 0.5
    """Seconds between two looks at the losses: a device never waits for Python in between."""

    def __init__(self, config=None, *, name=None, dtype=None, **overrides):
        super().__init__(name=name, dtype=dtype)
        config = self.Config() if config is None else config
        if not isinstance(config, self.Config):
            raise TypeError(
                f"`config` must be a {self.Config.__name__}. Received {type(config).__name__}."
            )
        fields = {field.name for field in dataclasses.fields(config)}
        if unknown := sorted(set(overrides) - fields):
            raise TypeError(
                f"Unknown field(s) {unknown}. {type(self).__name__} has {sorted(fields)}."
            )
        self.config = dataclasses.replace(config, **overrides)
        counter = {"dtype": "int64", "trainable": False, "aggregation": "only_first_replica"}
        self.step = self.add_weight(name="step", shape=(), initializer="zeros", **counter)
        self.bad_step = self.add_weight(
            name="bad_step", shape=(), initializer=keras.initializers.Constant(-1), **counter
        )
        with _dtype_policy(self.dtype_policy):
            self.groups = self.build_networks()
            self.ema_networks = {}
            if self.config.ema_decay:
                for network in self.generators:
                    self.ema_networks[network.name] = _frozen_copy(network)
        for part in self.parts:
            getattr(self, part).trainable = False
        self.loss_trackers = {key: keras.metrics.Mean(name=key) for key in self.loss_names}
        self.optimizers = {}
        self._own = NotTracked()
        self.built = True

    # What a paper provides.

    def build_networks(self) -> dict[str, list[keras.Model]]:
        """Assigns the networks and returns `{group: [networks]}`: who is updated together."""
        raise NotImplementedError

    def default_optimizers(self, steps_per_epoch: int | None) -> dict:
        """Returns the paper's `{group: optimizer}`; no schedule when `steps_per_epoch` is None."""
        raise NotImplementedError

    def plan(self, step: int) -> dict:
        """Returns the keyword arguments of `train_step` in a step, a pure function of its number.

        Values are plain Python and few: each combination is a graph of its own. (A `tf.cond` would
        not do: optimizers cannot be applied inside one under `tf.distribute`.)

        Args:
            step: Finished steps before it.
        """
        del step
        return {}

    def prepare(self, source) -> None:
        """Fills weights from the data, once, before the first step.

        Args:
            source: A `ganime_tf.data.Source`.
        """

    def load_pretrained(self) -> None:
        """Loads networks that losses compare with: a run asks before it starts, a step if need be.

        Raises:
            MissingWeightsError: Naming the file that is wanted.
        """

    def weight_decay(self, variable) -> float:
        """Coupled L2 of a variable: `minimize` adds this times its value to its gradient.

        As a term of the loss it would be the same numbers, but a second gradient as large as the
        network would wait in memory for the first.
        """
        return 0.0

    def average_decay(self, step):
        """Returns the decay of the moving average after `step` finished steps (a tensor).

        The first steps count more: 0.999 would show the untrained network for long.
        """
        step = tf.cast(step, tf.float32)
        return tf.minimum(self.config.ema_decay, (1.0 + step) / (10.0 + step))

    def default_metrics(self, aligned: bool) -> tuple[tuple[str, ...], str]:
        """Returns the metrics that a run measures, and the log that decides on its best epoch.

        Args:
            aligned: Whether validation pictures `a` and `b` show the same.
        """
        del aligned
        return (), ""

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """Returns the keyword arguments of `metrics.Evaluator.update` for a validation batch.

        Args:
            batch: float32 `[-1, 1]` pictures by key.
            first: Pictures of the validation before it.
        """
        raise NotImplementedError

    def sample_pictures(self, batch: dict) -> dict:
        """Returns the columns of a sample grid, `{title: uint8 (N, H, W, 3)}`, for a batch."""
        raise NotImplementedError

    # What every paper gets.

    def compile(self, optimizers=None, *, steps_per_epoch=None, seed=0, jit_compile=False):
        """Prepares training.

        Args:
            optimizers: `{group: optimizer}`; defaults to the paper's.
            steps_per_epoch: Steps of an epoch, for the paper's schedule.
            seed: Of everything random inside a step; see `noise`.
            jit_compile: Compile the step with XLA.

        Raises:
            ValueError: When the optimizers do not cover the groups exactly.
        """
        super().compile(optimizer=None, jit_compile=jit_compile)
        optimizers = dict(optimizers or self.default_optimizers(steps_per_epoch))
        if set(optimizers) != set(self.groups):
            raise ValueError(
                f"`optimizers` must have the keys {sorted(self.groups)}. "
                f"Received {sorted(optimizers)}."
            )
        for group, optimizer in optimizers.items():
            if self.dtype_policy.name == "mixed_float16" and not isinstance(
                optimizer, keras.optimizers.LossScaleOptimizer
            ):
                optimizers[group] = optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            optimizer.build(self.group_variables(group))
        self.optimizers = optimizers
        self.seed, self.steps_per_epoch = int(seed), steps_per_epoch

    @property
    def generators(self) -> list[keras.Model]:
        """The networks of the groups named `generator...`: those that have a moving average."""
        named = [net for group, nets in self.groups.items() for net in nets
                 if group.startswith("generator")]  # fmt: skip
        return list({id(network): network for network in named}.values())

    @property
    def networks(self) -> dict[str, keras.Model]:
        """Every network by name: the groups', the borrowed ones and the moving averages."""
        found = [net for nets in self.groups.values() for net in nets]
        found += [getattr(self, part) for part in self.parts]
        named = {network.name: network for network in found}
        return named | {f"average/{name}": net for name, net in self.ema_networks.items()}

    def group_variables(self, group: str) -> list:
        """Returns the trainable variables of a group."""
        return [v for network in self.groups[group] for v in network.trainable_variables]

    def for_inference(self, network: keras.Model) -> keras.Model:
        """Returns the moving average of a generator where one is kept, else the network."""
        network = self.ema_networks.get(network.name, network)
        return network if self._own.wrap is None else self._own.wrap(network)

    @contextlib.contextmanager
    def networks_run_by(self, wrap):
        """Meanwhile `for_inference` gives `wrap(network)`: how large pictures run in tiles."""
        self._own.wrap = wrap
        try:
            yield
        finally:
            self._own.wrap = None

    @property
    def min_size(self) -> int:
        """Least height and width that the networks take."""
        return self.stride

    def call_use(self, name: str, tensors: dict):
        """Runs one use in its compiled graph; see `Runner.run`."""
        if name not in self._own.graphs:
            self._own.graphs[name] = self.use_graph(name)
        return self._own.graphs[name](**{k: tf.convert_to_tensor(v) for k, v in tensors.items()})

    def use_graph(self, name: str) -> tf.types.experimental.PolymorphicFunction:
        """Returns the compiled graph of a use: raw inputs by name to the raw output."""
        use = self.uses()[name]
        return tf.function(graph_of(use, self.stride, self.min_size), reduce_retracing=True)


def _frozen_copy(network: keras.Model) -> keras.Model:
    """A network of the same weights that is not trained."""
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy
