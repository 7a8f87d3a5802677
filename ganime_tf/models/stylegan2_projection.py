"""A picture to a latent of StyleGAN2, by optimization.

Papers: Karras et al. 2020 (arXiv 1912.04958), section 5; w+ as in Abdal et al. 2019
(arXiv 1904.03189). Official code: NVlabs/stylegan2-ada-pytorch, whose schedule this follows.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.layers.noise import NoiseMap
from ganime_tf.models.optimizers import Adam
from ganime_tf.ops import images as image_ops


@dataclasses.dataclass(frozen=True)
class ProjectionConfig:
    """The official projector's numbers."""

    steps: int = 1000
    """Updates."""
    space: Literal["w", "w+"] = "w"
    """One latent for all layers, or one for each: nearer to the picture, farther from drawings."""
    learning_rate: float = 0.1
    """Adam's step size between ramps."""
    ramp_up: float = 0.05
    """Share of the steps in which the rate grows."""
    ramp_down: float = 0.25
    """Share of the steps in which the rate falls to 0."""
    jitter: float = 0.05
    """Noise on the latent at the start, in standard deviations of w."""
    jitter_length: float = 0.75
    """Share of the steps until that noise is gone."""
    noise_weight: float = 1e5
    """Weight of the correlation of noise maps; 0 leaves the model's own maps as they are."""
    num_samples: int = 10_000
    """Latents that mean and deviation of w are measured of."""
    seed: int = 0
    """Of every random number."""

    def __post_init__(self):
        if self.steps < 1 or self.num_samples < 2:
            raise ValueError(
                f"`steps` must be at least 1 and `num_samples` 2. "
                f"Received {self.steps} and {self.num_samples}."
            )
        if self.space not in ("w", "w+"):
            raise ValueError(f"`space` must be w or w+. Received {self.space!r}.")


@dataclasses.dataclass(frozen=True)
class Projection:
    """What was found.

    Attributes:
        latent: float32 `(K,)`, or `(L K,)` in w+: what the use `from_style` draws.
        picture: uint8 `(S, S, 3)`, drawn with the optimized noise maps.
        redrawn: uint8 `(S, S, 3)`, drawn of the latent alone, by `from_style`.
        distances: float32 `(steps,)`, the distance at each step.
        stages: `{step: uint8 picture}` on the way, doubling steps.
    """

    latent: np.ndarray
    picture: np.ndarray
    redrawn: np.ndarray
    distances: np.ndarray
    stages: dict


def rate_at(step: int, config: ProjectionConfig) -> float:
    """The step size: linear up, cosine down."""
    t = step / config.steps
    ramp = min(1.0, (1.0 - t) / config.ramp_down) if config.ramp_down else 1.0
    ramp = 0.5 - 0.5 * math.cos(ramp * math.pi)
    return config.learning_rate * ramp * (min(1.0, t / config.ramp_up) if config.ramp_up else 1.0)


def jitter_at(step: int, config: ProjectionConfig) -> float:
    """The noise on the latent, in standard deviations of w."""
    if not config.jitter_length:
        return 0.0
    return config.jitter * max(0.0, 1.0 - step / config.steps / config.jitter_length) ** 2


def noise_correlation(maps) -> tf.Tensor:
    """Squared correlation of noise maps with themselves, shifted by one, at all sizes from 8 on.

    Args:
        maps: float32 `(h, w)` each.

    Returns:
        Their sum: 0 of white noise, large where a map carries the picture.
    """
    total = tf.constant(0.0)
    for noise in maps:
        noise = tf.convert_to_tensor(noise)[None, :, :, None]
        while True:
            for axis in (1, 2):
                total += tf.square(tf.reduce_mean(noise * tf.roll(noise, 1, axis)))
            if noise.shape[1] <= 8:
                break
            noise = tf.nn.avg_pool2d(noise, 2, 2, "VALID")
    return total


def latent_statistics(model, count: int, seed: int) -> tuple[np.ndarray, float]:
    """Mean latent `(K,)` and standard deviation of w, all dimensions together."""
    z = np.random.default_rng(seed).standard_normal((count, model.config.latent_size))
    ws = np.asarray(model.for_inference(model.mapping)(z.astype(np.float32), training=False))
    mean = ws.mean(0)
    return mean, float(np.sqrt(np.square(ws - mean).sum() / count))


def noise_maps(network) -> list:
    """The stored noise maps of a synthesis network, coarsest first."""
    found = [layer for layer in network._flatten_layers() if isinstance(layer, NoiseMap)]
    return [layer.map for layer in found]


def project(
    model,
    target: np.ndarray,
    distance: Callable,
    config: ProjectionConfig | None = None,
    done: Callable[[int, float], None] = lambda step, value: None,
) -> Projection:
    """Looks for the latent whose picture is nearest to a picture.

    Args:
        model: A `StyleGAN2`; its noise maps are as before afterwards.
        target: uint8 `(S, S, 3)`, of the model's size.
        distance: Of two float batches `(1, S, S, 3)` in [-1, 1] to `(1,)`, differentiable.
        config: Numbers of the search.
        done: Told each step and its distance.

    Raises:
        ValueError: On a picture of another size.
    """
    config = config or ProjectionConfig()
    size = model.config.image_size
    if target.shape != (size, size, 3) or target.dtype != np.uint8:
        raise ValueError(
            f"`target` must be uint8 ({size}, {size}, 3). Received {target.dtype} {target.shape}."
        )
    synthesis = model.for_inference(model.synthesis)
    kept = [np.array(keras.ops.convert_to_numpy(noise)) for noise in noise_maps(synthesis)]
    try:
        code, picture, distances, stages = _search(model, synthesis, target, distance, config, done)
    finally:
        for noise, before in zip(noise_maps(synthesis), kept, strict=True):
            noise.assign(before)
    redrawn = model.run("from_style", style=code[None])[0]
    return Projection(code, picture, redrawn, distances, stages)


def _search(model, synthesis, target, distance, config, done):
    mean, deviation = latent_statistics(model, config.num_samples, config.seed)
    rows = model.num_styles if config.space == "w+" else 1
    random = np.random.default_rng([config.seed, 1])
    latent = keras.Variable(np.tile(mean, (rows, 1)).astype(np.float32), name="latent")
    maps = noise_maps(synthesis) if config.noise_weight else []
    for noise in maps:
        noise.assign(random.standard_normal(noise.shape).astype(np.float32))
    variables = [latent, *maps]
    optimizer = Adam(config.learning_rate, 0.9, 0.999, 1e-8, epsilon_last=True)
    optimizer.build(variables)
    wanted = image_ops.to_float(tf.constant(target))[None]
    random_stream = tf.random.Generator.from_seed(config.seed)

    def draw(row):
        ws = tf.broadcast_to(row[None], (1, model.num_styles, row.shape[-1]))
        return synthesis(ws, training=False)

    @tf.function
    def step(scale, rate):
        jitter = random_stream.normal((rows, latent.shape[-1])) * scale
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for variable in variables:
                tape.watch(variable.value)
            picture = draw(latent.value + jitter)
            found = tf.cast(distance(picture, wanted), tf.float32)[0]
            loss = found + config.noise_weight * noise_correlation(maps)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.learning_rate.assign(rate)
        optimizer.apply(gradients, variables)
        for noise in maps:
            centred = noise.value - tf.reduce_mean(noise.value)
            noise.assign(centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred))))
        return found, picture

    distances, stages, shown = [], {}, 1
    for number in range(config.steps):
        scale = tf.constant(deviation * jitter_at(number, config), tf.float32)
        found, picture = step(scale, tf.constant(rate_at(number, config), tf.float32))
        value = float(found)
        if not math.isfinite(value):
            raise FloatingPointError(f"The distance is {value} at step {number}: a smaller rate?")
        distances.append(value)
        if number + 1 == shown:
            stages[number + 1], shown = image_ops.to_uint8(picture).numpy()[0], shown * 2
        done(number + 1, value)
    picture = image_ops.to_uint8(draw(tf.convert_to_tensor(latent))).numpy()[0]
    code = keras.ops.convert_to_numpy(latent).reshape(-1)
    return code, picture, np.asarray(distances, np.float32), stages
