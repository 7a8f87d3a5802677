"""Latents of StyleGAN2 one by one: seeds, mixtures, paths, and how smooth those are."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf


def mixed_latents(model, first: np.ndarray, second: np.ndarray, layers: Sequence[int]):
    """Latents of w+ with some layers of another picture (style mixing, section 3.1 of StyleGAN).

    Args:
        model: A `StyleGAN2`.
        first: float32 `(N, K)`, for all other layers.
        second: float32 `(N, K)`, for `layers`.
        layers: Numbers of the layers, 0 the coarsest.

    Returns:
        float32 `(N, L K)`, which `from_style` draws.

    Raises:
        ValueError: On a layer that there is not.
    """
    wrong = [layer for layer in layers if not 0 <= layer < model.num_styles]
    if wrong:
        raise ValueError(f"Layers are 0 to {model.num_styles - 1}. Received {wrong[0]}.")
    rows = np.repeat(first[:, None], model.num_styles, axis=1)
    rows[:, list(layers)] = second[:, None]
    return rows.reshape(len(first), -1).astype(np.float32)


def perceptual_path_length(
    model,
    distance: Callable,
    *,
    num_pairs: int = 1000,
    batch_size: int = 4,
    epsilon: float = 1e-4,
    whole_path: bool = False,
    seed: int = 0,
    done: Callable[[int], None] = lambda count: None,
) -> dict:
    """How much pictures change along short steps between latents w (StyleGAN, section 4.1).

    Measured between lerp(w1, w2; t) and lerp(w1, w2; t + epsilon), over epsilon squared, of the
    untruncated generator with its stored noise; the lowest and the highest hundredth of the values
    are left out, as in the official code. StyleGAN2 reports t = 0 and the VGG form of LPIPS.

    Args:
        model: A `StyleGAN2`.
        distance: Of two float batches `(N, S, S, 3)` in [-1, 1] to `(N,)`.
        num_pairs: Pairs of latents; the papers use 100,000 and 50,000.
        batch_size: Pairs at a time.
        epsilon: The step.
        whole_path: t uniform in [0, 1] instead of 0.
        seed: Of the latents.
        done: Told how many pairs were done.

    Returns:
        `{"value", "pairs", "kept"}`.

    Raises:
        ValueError: On fewer than 1 pair.
    """
    if num_pairs < 1:
        raise ValueError(f"`num_pairs` must be at least 1. Received {num_pairs}.")
    mapping, synthesis = (model.for_inference(n) for n in (model.mapping, model.synthesis))

    @tf.function
    def step(first, second, t):
        def draw(at):
            ws = first + at[:, None] * (second - first)
            return synthesis(tf.repeat(ws[:, None], model.num_styles, 1), training=False)

        x, y = draw(t), draw(t + epsilon)
        return tf.cast(distance(x, y), tf.float64) / epsilon**2

    random, values = np.random.default_rng(seed), []
    while len(values) < num_pairs:
        z = random.standard_normal((2, batch_size, model.config.latent_size)).astype(np.float32)
        t = random.uniform(0, 1, batch_size) if whole_path else np.zeros(batch_size)
        ends = (mapping(z[side], training=False) for side in (0, 1))
        found = step(*ends, tf.constant(t, tf.float32)).numpy()
        values += found[: num_pairs - len(values)].tolist()
        done(len(found))
    low, high = np.percentile(values, 1, method="lower"), np.percentile(values, 99, method="higher")
    kept = [value for value in values if low <= value <= high]
    return {"value": float(np.mean(kept)), "pairs": len(values), "kept": len(kept)}
