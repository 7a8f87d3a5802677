"""What the base class gives every model."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, made_batch, run_steps, tiny, values

from ganime_tf.models.pix2pix import Pix2Pix
from ganime_tf.training.checkpoint import Checkpointer


def test_the_moving_average_follows_its_formula():
    model = Pix2Pix(TINY, ema_decay=0.5)
    model.compile()
    average = values(model.ema_networks["generator"].weights)
    trained = [weight.trainable for weight in model.generator.weights]
    for step in (1, 2):
        run_steps(model, [made_batch(model)])
        decay = min(0.5, (1 + step) / (10 + step))
        new = values(model.generator.weights)
        # Statistics of batch norm are copied, as the releases do.
        average = [
            decay * a + (1 - decay) * b if train else b
            for a, b, train in zip(average, new, trained, strict=True)
        ]
    for a, b in zip(average, model.ema_networks["generator"].weights, strict=True):
        np.testing.assert_allclose(a, np.array(b), atol=1e-6)


@pytest.mark.parametrize("where", ["alone", "float16", "two replicas"])
def test_gradients_are_clipped_to_the_norm(where, two_replicas):
    """Whatever the loss is scaled by: each replica's counts half, float16's many thousandfold."""
    strategy = two_replicas if where == "two replicas" else tf.distribute.get_strategy()
    dtype = "mixed_float16" if where == "float16" else None
    with strategy.scope():
        model = Pix2Pix(TINY, gradient_clip=0.5, dtype=dtype)
        model.compile({group: keras.optimizers.SGD(1.0) for group in model.groups})
    before = values(model.group_variables("generator"))

    def update():
        with tf.GradientTape() as tape:
            weights = model.group_variables("generator")
            loss = 100 * sum(tf.reduce_sum(tf.square(v.value)) for v in weights)
        model.minimize(tape, loss, "generator")

    strategy.run(tf.function(update))
    after = values(model.group_variables("generator"))
    norm = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(before, after, strict=True)))
    np.testing.assert_allclose(norm, 0.5, rtol=1e-3)


def test_alternating_cyclegan_averages_both_generators_and_resumes(tmp_path):
    fields = {"update_order": "alternating", "ema_decay": 0.9, "filters": 4, "image_size": 32}
    first = tiny("cyclegan", "cyclegan-tiny", patch_size=16, **fields)
    assert list(first.groups) == [
        "generator_a2b",
        "discriminator_b",
        "generator_b2a",
        "discriminator_a",
    ]
    batches = [made_batch(first, seed=seed) for seed in range(2)]
    run_steps(first, batches[:1])
    for generator in (first.generator_a2b, first.generator_b2a):
        kernel, average = generator.weights[0], first.ema_networks[generator.name].weights[0]
        assert 0.0 < np.abs(np.array(kernel) - np.array(average)).max() < 1e-3
    Checkpointer(first, tmp_path).save()
    second = tiny("cyclegan", "cyclegan-tiny", patch_size=16, **fields)
    assert Checkpointer(second, tmp_path).restore() == 1
    for model in (first, second):
        run_steps(model, batches[1:])
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(np.array(a), np.array(b), err_msg=a.path)


def test_noise_is_of_the_seed_the_step_and_the_stream():
    def drawn(seed: int, stream: str) -> list[float]:
        model = Pix2Pix(TINY)
        model.compile(seed=seed)

        def train_step(batch):
            number = tf.reduce_sum(model.noise(tf.shape(batch["a"])[0], 3, stream=stream))
            return model.track(d_loss=number, g_adversarial=number, g_l1=number)

        model.train_step = train_step
        batch = made_batch(model)
        return [run_steps(model, [batch])["d_loss"] for _ in range(3)]

    first = drawn(0, "x")
    assert len(set(first)) == 3  # each step its own
    assert drawn(0, "x") == first
    assert not set(first) & {*drawn(1, "x"), *drawn(0, "y")}


def test_an_epochs_losses_are_means_over_its_steps():
    model = Pix2Pix(TINY)
    model.compile()

    def train_step(batch):
        number = tf.cast(model.step.value, tf.float32)
        return model.track(d_loss=number, g_adversarial=2.0 * number, g_l1=number**2)

    model.train_step = train_step
    data = tf.data.Dataset.from_tensors(made_batch(model)).repeat()
    history = model.fit(data, steps_per_epoch=3, epochs=2, verbose=0).history
    assert history["d_loss"] == [1.0, 4.0]  # of steps 0, 1, 2 and 3, 4, 5
    assert history["g_adversarial"] == [2.0, 8.0]
    np.testing.assert_allclose(history["g_l1"], [5 / 3, 50 / 3], rtol=1e-6)
