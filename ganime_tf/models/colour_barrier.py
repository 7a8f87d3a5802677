"""Training of the colouriser's three networks.

The barrier's truth of a pixel is how much the colour of the *ink-free* sheet changes there (CIE
L*a*b*), so that hatching, strands and folds, which border nothing, are learned to be no border. The
shade's is the part of the pixel that lies in shadow. Both take binary cross-entropy with that soft
truth. The matching network takes the cross-entropy of a point's colour among the sheet's points.
"""

import json
import logging
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.colouring.drawings import training_batch
from ganime_tf.colouring.network import MATCH_ABSENT, MATCH_SHARPNESS, fold, save_network
from ganime_tf.colouring.pairs import match_batch
from ganime_tf.colouring.shaded import shade_batch
from ganime_tf.configs.colour_barrier import ColourBarrierConfig
from ganime_tf.networks.barrier import build_barrier

_LOG = logging.getLogger(__name__)


def barrier_loss(truth, logits):
    """Binary cross-entropy with soft truth, float32 scalar.

    Args:
        truth: Colour steps in [0, 1], `(N, H, W, 1)`.
        logits: The network's output, the same shape.
    """
    loss = tf.nn.sigmoid_cross_entropy_with_logits(truth, tf.cast(logits, tf.float32))
    return tf.reduce_mean(loss)


def match_loss(points, embedded):
    """Cross-entropy of the colours of pages' points, seen in their sheets, float32 scalar.

    A point of a page is a softmax over all points of its sheet and one more, which stands for "not
    on the sheet"; the probability of its colour is the sum over the sheet's points that have it.

    Args:
        points: int32 `(2N, K, 3)`, pages and sheets in turn, see `colouring.pairs.match_batch`.
        embedded: The network's output, `(2N, h, w, C)`.
    """
    at = tf.gather_nd(tf.cast(embedded, tf.float32), points[..., :2], batch_dims=1)
    at = tf.math.l2_normalize(at, axis=-1, epsilon=1e-6)
    colour = points[..., 2]
    on_sheet = colour[1::2, None, :] > 0
    score = MATCH_SHARPNESS * tf.matmul(at[0::2], at[1::2], transpose_b=True)
    score = tf.where(on_sheet, score, -1e9)
    absent = tf.fill(tf.shape(score[..., :1]), MATCH_SHARPNESS * MATCH_ABSENT)
    total = tf.reduce_logsumexp(tf.concat([score, absent], -1), axis=-1)
    same = colour[0::2, :, None] == colour[1::2, None, :]
    right = tf.reduce_logsumexp(tf.where(same, score, -1e9), axis=-1)
    right = tf.where(tf.reduce_any(same, -1), right, absent[..., 0])
    there = tf.cast(colour[0::2] > 0, tf.float32)
    return tf.reduce_sum((total - right) * there) / tf.maximum(tf.reduce_sum(there), 1.0)


# What a network is trained on, its loss, and its channels in and out.
_TASKS = {
    "barrier": (training_batch, barrier_loss, 1, 0),
    "shade": (shade_batch, barrier_loss, 4, 0),
    "match": (match_batch, match_loss, 4, 16),
}


def learning_rate(config: ColourBarrierConfig, step: int) -> float:
    """The rate at a step: a linear rise, then a cosine down to 0."""
    rise = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    return config.learning_rate * rise * 0.5 * (1 + np.cos(np.pi * step / config.num_steps))


def train_barrier(
    config: ColourBarrierConfig, folder: str | Path, seed: int = 0, save_every: int = 100
) -> keras.Model:
    """Trains a barrier network; resumes from `folder` where an earlier call stopped.

    Writes in `folder`: checkpoints, `metrics.jsonl`, and of the averaged weights (0.995 a step)
    `average.weights.h5` and `TASK.npz`, which `colouring.network.load_network` reads.

    Args:
        config: Hyper-parameters.
        folder: Run directory.
        seed: Of the drawings and the initial weights.
        save_every: Steps between checkpoints.

    Returns:
        The network with the averaged weights.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    batch_of, loss_of, channels, embedding = _TASKS[config.task]
    network, average = (
        build_barrier(
            filters=config.filters, convs=config.convs, channels=channels, embedding=embedding
        )
        for _ in range(2)
    )
    average.set_weights(network.get_weights())
    optimizer = keras.optimizers.Adam(config.learning_rate)
    optimizer.build(network.trainable_variables)
    checkpoint = tf.train.Checkpoint(network=network, average=average, optimizer=optimizer)
    manager = tf.train.CheckpointManager(checkpoint, str(folder / "checkpoints"), 2)
    if manager.latest_checkpoint:
        checkpoint.restore(manager.latest_checkpoint)
    rate = tf.Variable(0.0)

    @tf.function(jit_compile=False)
    def train_step(ink, truth, decay):
        with tf.GradientTape() as tape:
            loss = loss_of(truth, network(ink, training=True))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.learning_rate.assign(rate)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        for mean, now in zip(average.variables, network.variables, strict=True):
            mean.assign(decay * mean + (1 - decay) * tf.cast(now, mean.dtype))
        return loss

    losses, start = [], time.monotonic()
    first = int(optimizer.iterations.numpy())
    for step in range(first, config.num_steps):
        ink, truth = batch_of(seed, step, config.sheets, config.crops, config.image_size)
        rate.assign(learning_rate(config, step))
        decay = min(0.995, (1 + step) / (10 + step))
        losses.append(float(train_step(ink, truth, tf.constant(decay, tf.float32))))
        if (step + 1) % save_every == 0 or step + 1 == config.num_steps:
            manager.save()
            average.save_weights(folder / "average.weights.h5")
            seconds = (time.monotonic() - start) / (step + 1 - first)
            record = {"step": step + 1, "loss": float(np.mean(losses)), "seconds_a_step": seconds}
            with open(folder / "metrics.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            _LOG.info("%s", record)
            losses = []
    save_network(folder / f"{config.task}.npz", folded_weights(average))
    return average


def folded_weights(network: keras.Model) -> dict[str, np.ndarray]:
    """The network's weights as `colouring.network.BarrierNetwork` takes them."""
    weights = {}
    for layer in network.layers:
        for variable in layer.variables:
            weights[f"{layer.name}/{variable.name}"] = keras.ops.convert_to_numpy(variable)
    return fold(weights)
