"""What the base class gives every model."""

import numpy as np
import tensorflow as tf
from helpers import TINY, made_batch, run_steps, values

from ganime_tf.models.pix2pix import Pix2Pix


def test_the_moving_average_follows_its_formula():
    model = Pix2Pix(TINY, ema_decay=0.5)
    model.compile()
    average = values(model.ema_networks["generator"].weights)
    for step in (1, 2):
        run_steps(model, [made_batch(model)])
        decay = min(0.5, (1 + step) / (10 + step))
        new = values(model.generator.weights)
        average = [decay * a + (1 - decay) * b for a, b in zip(average, new, strict=True)]
    for a, b in zip(average, model.ema_networks["generator"].weights, strict=True):
        np.testing.assert_allclose(a, np.array(b), atol=1e-6)


def test_gradients_are_clipped_to_the_norm():
    import keras

    model = Pix2Pix(TINY, gradient_clip=0.5)
    model.compile({group: keras.optimizers.SGD(1.0) for group in model.groups})
    before = values(model.group_variables("generator"))
    with tf.GradientTape() as tape:
        loss = sum(tf.reduce_sum(tf.square(v)) for v in model.group_variables("generator")) * 100
    model.minimize(tape, loss, "generator")
    after = values(model.group_variables("generator"))
    norm = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(before, after, strict=True)))
    np.testing.assert_allclose(norm, 0.5, rtol=1e-4)
