"""The contract of every translation model: what a paper's class provides and what it inherits."""

import contextlib
import dataclasses

import keras
import tensorflow as tf

from ganime_tf.ops import images as image_ops


@dataclasses.dataclass(frozen=True)
class TranslatorConfig:
    """Hyper-parameters that every paper has; a model's config adds its own."""

    image_size: int = 256
    """Height and width of a training picture in pixels."""
    load_size: int = 286
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: int = 1
    """Pictures in a step, over all replicas."""
    num_epochs: int = 200
    """Epochs of the whole training."""
    ema_decay: float = 0.0
    """Decay of the generator's moving average, used for translation when above 0; the first steps n
    use (1 + n) / (10 + n) where that is smaller."""
    gradient_clip: float = 0.0
    """Largest norm of a group's gradient on each replica, 0 for no clipping."""

    def __post_init__(self):
        """Checks the fields; subclasses extend it.

        Raises:
            ValueError: Naming the field, its value and what is allowed.
        """
        for name in ("image_size", "batch_size", "num_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received {getattr(self, name)}.")
        if self.load_size < self.image_size:
            raise ValueError(
                f"`load_size` ({self.load_size}) must not be smaller than `image_size` "
                f"({self.image_size}): pictures are cropped, never grown, after loading."
            )
        if not 0.0 <= self.ema_decay < 1.0:
            raise ValueError(f"`ema_decay` must be in [0, 1). Received {self.ema_decay}.")


@contextlib.contextmanager
def _dtype_policy(policy):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)


class Translator(keras.Model):
    """A trainable translation from domain a to domain b.

    A subclass sets `Config`, `batch_keys`, `loss_names`, `data_kind` and `stride`, and writes
    `build_networks`, `default_optimizers`, `train_step` and `call`.

    Args:
        config: An instance of `Config`; defaults to the paper's values.
        name: Name of the model.
        dtype: Keras dtype policy, e.g. "mixed_bfloat16".
        **overrides: Fields of the config to replace.

    Raises:
        TypeError: On a config of another class or an unknown field.
    """

    Config = TranslatorConfig
    batch_keys: tuple[str, ...] = ("a", "b")
    loss_names: tuple[str, ...] = ()
    data_kind: str = "paired"
    stride: int = 1

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
        with _dtype_policy(self.dtype_policy):
            self.groups = self.build_networks()
            self.ema_networks = {}
            if self.config.ema_decay:
                for network in self.generators:
                    average = keras.models.clone_model(network)
                    average.set_weights(network.get_weights())
                    average.trainable = False
                    self.ema_networks[network.name] = average
        self.loss_trackers = {key: keras.metrics.Mean(name=key) for key in self.loss_names}
        self.optimizers = {}
        self.built = True

    def build_networks(self) -> dict[str, list[keras.Model]]:
        """Assigns the networks and returns `{group: [networks]}`: who is updated together."""
        raise NotImplementedError

    def default_optimizers(self, steps_per_epoch: int | None) -> dict:
        """Returns the paper's `{group: optimizer}`; no schedule when `steps_per_epoch` is None."""
        raise NotImplementedError

    def compile(self, optimizers=None, *, steps_per_epoch=None, jit_compile=False):
        """Prepares training.

        Args:
            optimizers: `{group: optimizer}`; defaults to the paper's.
            steps_per_epoch: Steps of an epoch, for the paper's schedule.
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

    @property
    def generators(self) -> list[keras.Model]:
        """The networks of the groups named `generator...`: those that have a moving average."""
        return [
            network
            for group, networks in self.groups.items()
            if group.startswith("generator")
            for network in networks
        ]

    def group_variables(self, group: str) -> list:
        """Returns the trainable variables of a group."""
        return [v for network in self.groups[group] for v in network.trainable_variables]

    def minimize(self, tape: tf.GradientTape, loss, group: str) -> None:
        """Applies one step of a group's optimizer: the only place where gradients are scaled.

        Optimizers sum gradients over replicas, so each replica's loss counts 1 / replicas.
        """
        optimizer = self.optimizers[group]
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        variables = self.group_variables(group)
        scale = optimizer.scale_loss(tf.constant(1.0 / replicas))
        gradients = tape.gradient(loss, variables, output_gradients=scale * tf.ones_like(loss))
        for index, variable in enumerate(variables):
            decay = self.weight_decay(variable)
            if decay and gradients[index] is not None:
                with tf.control_dependencies([gradients[index]]):  # not before: it takes memory
                    gradients[index] += scale * decay * variable.value
        if self.config.gradient_clip:
            present = [gradient for gradient in gradients if gradient is not None]
            clipped = iter(tf.clip_by_global_norm(present, self.config.gradient_clip * scale)[0])
            gradients = [None if gradient is None else next(clipped) for gradient in gradients]
        optimizer.apply(gradients, variables)

    def weight_decay(self, variable) -> float:
        """Coupled L2 of a variable: `minimize` adds this times its value to its gradient.

        As a term of the loss it would be the same numbers, but a second gradient as large as the
        network would wait in memory for the first.
        """
        return 0.0

    def track(self, **losses) -> dict:
        """Updates the running means of the losses and returns them."""
        for key, value in losses.items():
            self.loss_trackers[key].update_state(value)
        return {key: tracker.result() for key, tracker in self.loss_trackers.items()}

    def for_inference(self, network: keras.Model) -> keras.Model:
        """Returns the moving average of a generator where one is kept, else the network."""
        return self.ema_networks.get(network.name, network)

    def _step_on_replica(self, batch):
        if missing := [key for key in self.batch_keys if key not in batch]:
            raise ValueError(
                f"A batch of {type(self).__name__} needs the keys {self.batch_keys}. "
                f"Received {sorted(batch)}, without {missing}."
            )
        logs = self.train_step(batch)
        if not self.ema_networks:
            return logs
        # The first steps count more: an average of 0.999 would show the untrained network for long.
        step = tf.cast(self.optimizers[next(iter(self.groups))].iterations, tf.float32)
        decay = tf.minimum(self.config.ema_decay, (1.0 + step) / (10.0 + step))
        for network in self.generators:
            average = self.ema_networks[network.name]
            for mean, value in zip(average.variables, network.variables, strict=True):
                if not mean.dtype.startswith("float"):
                    continue  # seeds of dropout
                mean.assign(decay * mean + (1.0 - decay) * value)
        return logs

    def make_train_function(self, force=False):
        """Builds the function that `fit` calls, for any `tf.distribute` strategy.

        Keras' own fails under MultiWorkerMirroredStrategy: it reduces what is not per replica.
        """
        if self.train_function is not None and not force:
            return
        strategy = self.distribute_strategy

        def one_step(batch):
            logs = strategy.run(self._step_on_replica, args=(batch,))
            return {key: strategy.reduce("MEAN", value, axis=None) for key, value in logs.items()}

        if not self.run_eagerly:
            one_step = tf.function(one_step, jit_compile=self.jit_compile, reduce_retracing=True)
        self.train_function = lambda iterator: one_step(next(iterator))

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: a translator is built when it is made; Keras would eat a batch here."""

    def translate(self, images, **style):
        """Translates pictures of domain a of any size.

        Args:
            images: uint8 `(N, H, W, 3)` or `(H, W, 3)`, RGB.
            **style: The model's own inputs, e.g. `direction`, `reference`, `seed`.

        Returns:
            uint8 NumPy array of the same shape.

        Raises:
            ValueError: When `images` is not uint8 RGB.
        """
        image_ops.check_uint8(images)
        batched = len(images.shape) == 4
        images = tf.convert_to_tensor(images)
        out = self.translate_tensor(images if batched else images[None], **style).numpy()
        return out if batched else out[0]

    def translate_tensor(self, images, **style):
        """`translate` in the graph: uint8 `(N, H, W, 3)` tensor in and out."""
        height, width = tf.shape(images)[1], tf.shape(images)[2]
        padded, (top, left) = image_ops.pad_to_multiple(images, self.stride, self.min_size)
        out = image_ops.to_uint8(self(image_ops.to_float(padded), training=False, **style))
        return out[:, top : top + height, left : left + width]

    @property
    def min_size(self) -> int:
        """Least height and width that the networks take."""
        return self.stride

    def sample_pictures(self, batch: dict) -> dict:
        """Returns the columns of a sample grid, `{title: uint8 (N, H, W, 3)}`.

        Args:
            batch: A validation batch of float32 `[-1, 1]` pictures, `b` being the truth.
        """
        a, b = (image_ops.to_uint8(batch[key]).numpy() for key in ("a", "b"))
        return {"input": a, "output": self.translate(a), "truth": b}

    def endpoints(self) -> dict:
        """Returns the exported signatures, `{name: function of uint8 (N, H, W, 3)}`."""
        return {"serving_default": self.translate_tensor}

    def get_config(self) -> dict:
        """Returns what `from_config` needs."""
        return {
            "config": dataclasses.asdict(self.config),
            "name": self.name,
            "dtype": self.dtype_policy.name,
        }

    @classmethod
    def from_config(cls, config: dict):
        """Rebuilds the model from `get_config`."""
        fields = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in config["config"].items()
        }
        return cls(cls.Config(**fields), name=config["name"], dtype=config["dtype"])

    def get_compile_config(self) -> dict:
        """Returns the optimizers, so that `.keras` files restore them."""
        serialize = keras.saving.serialize_keras_object
        return {"optimizers": {key: serialize(value) for key, value in self.optimizers.items()}}

    def compile_from_config(self, config: dict) -> None:
        """Compiles with the optimizers of `get_compile_config`."""
        load = keras.saving.deserialize_keras_object
        self.compile({key: load(value) for key, value in config["optimizers"].items()})
