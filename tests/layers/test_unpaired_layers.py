"""AdaLIN, CAM attention and the image pool against their definitions in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.adalin import AdaLIN, InstanceLayerNorm
from ganime_tf.layers.attention import CAMAttention
from ganime_tf.layers.image_pool import ImagePool
from ganime_tf.layers.padding import ReflectionPad2D


def _features(shape=(2, 5, 4, 3), seed=0):
    return np.random.default_rng(seed).normal(1.0, 2.0, shape).astype("float32")


@pytest.mark.parametrize("unbiased", [True, False])
def test_adalin_is_equation_1(unbiased):
    x, gamma, beta = _features(), _features((2, 3), 1), _features((2, 3), 2)
    layer = AdaLIN(unbiased=unbiased)
    layer.build(x.shape)
    rho = np.array([0.0, 0.4, 1.0], "float32")
    layer.rho.assign(rho)

    def normalized(axes):
        mean = x.mean(axes, keepdims=True)
        variance = x.var(axes, keepdims=True, ddof=int(unbiased))
        return (x - mean) / np.sqrt(variance + 1e-5)

    mixed = rho * normalized((1, 2)) + (1 - rho) * normalized((1, 2, 3))
    expected = gamma[:, None, None] * mixed + beta[:, None, None]
    np.testing.assert_allclose(layer(x, gamma, beta), expected, atol=1e-5)


def test_rho_starts_as_in_each_release_and_smoothing_shifts_it():
    torch, tf1, own = AdaLIN(), AdaLIN(rho_initial=1.0, rho_shift=0.1), InstanceLayerNorm()
    x, ones, zeros = _features(), np.ones((2, 3), "float32"), np.zeros((2, 3), "float32")
    np.testing.assert_allclose(torch(x, ones, zeros), tf1(x, ones, zeros), atol=1e-5)
    own(x)
    np.testing.assert_array_equal(own.rho.numpy(), np.zeros(3))


def test_rho_is_clipped_to_the_unit_interval_after_each_step():
    layer = InstanceLayerNorm()
    layer.build((None, 4, 4, 3))
    optimizer = keras.optimizers.SGD(1.0)
    layer.rho.assign([0.5, 0.5, 0.5])
    optimizer.apply([tf.constant([2.0, -2.0, 0.1])], [layer.rho])
    np.testing.assert_allclose(layer.rho.numpy(), [0.0, 1.0, 0.4], atol=1e-6)


def test_norms_keep_the_pictures_of_a_batch_apart():
    layer = InstanceLayerNorm(rho_initial=0.5)
    x = _features((3, 5, 4, 3))
    np.testing.assert_allclose(layer(x)[:1], layer(x[:1]), atol=1e-6)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("spectral", [False, True])
def test_attention_scales_by_the_classifiers_weights(shared, spectral):
    layer = CAMAttention(
        shared=shared, spectral=spectral, raw_attention=not shared, negative_slope=0.2
    )
    x = _features()
    features, logits, heatmap = layer(x)
    scaled, expected_logits = [], []
    for classifier, pooled in ((layer.gap_fc, x.mean((1, 2))), (layer.gmp_fc, x.max((1, 2)))):
        raw = classifier.kernel.numpy()
        used = classifier.normalized_kernel().numpy() if spectral else raw
        bias = classifier.bias.numpy() if shared else 0.0
        expected_logits.append(pooled @ used + bias)
        scaled.append(x * ((used if shared else raw)[:, 0] + bias))
    mixed = np.concatenate(scaled, -1) @ layer.kernel.numpy()[0, 0] + layer.bias.numpy()
    mixed = np.where(mixed > 0, mixed, 0.2 * mixed)
    np.testing.assert_allclose(logits, np.concatenate(expected_logits, -1), atol=1e-5)
    np.testing.assert_allclose(features, mixed, atol=1e-4)
    np.testing.assert_allclose(heatmap, mixed.sum(-1, keepdims=True), atol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        AdaLIN(rho_shift=0.1),
        InstanceLayerNorm(unbiased=False),
        CAMAttention(shared=True),
        ImagePool(3, seed=4),
        ReflectionPad2D((1, 2)),
    ],
)
def test_configs_round_trip(layer):
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


def _numbered(first, count):
    return np.arange(first, first + count, dtype="float32")[:, None, None, None] * np.ones(
        (1, 2, 2, 1), "float32"
    )


def _pool(size, seed=0):
    pool = ImagePool(size, seed)
    pool.build((None, 2, 2, 1))
    return pool, tf.function(pool.__call__)


def test_pool_returns_current_pictures_until_full():
    pool, query = _pool(5)
    np.testing.assert_array_equal(query(_numbered(1, 3)), _numbered(1, 3))
    np.testing.assert_array_equal(query(_numbered(4, 2)), _numbered(4, 2))
    np.testing.assert_array_equal(pool.images.numpy(), _numbered(1, 5))


def test_full_pool_swaps_half_of_the_time_and_loses_no_picture():
    pool, query = _pool(4)
    query(_numbered(0, 4))
    swapped, seen = 0, set(range(4))
    for step in range(100):
        current = _numbered(4 + 2 * step, 2)
        seen |= {4 + 2 * step, 5 + 2 * step}
        returned = query(current).numpy()
        swapped += int((returned != current).any((1, 2, 3)).sum())
        seen -= set(returned[:, 0, 0, 0].astype(int))
        assert seen == set(pool.images.numpy()[:, 0, 0, 0].astype(int))
    assert 75 < swapped < 125


def test_empty_pool_and_gradient():
    x = tf.constant(_numbered(1, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ImagePool(0)(x)
    np.testing.assert_array_equal(y, x)
    assert tape.gradient(y, x) is None
    with pytest.raises(ValueError, match="size"):
        ImagePool(-1)


def test_two_replicas_share_one_pool(two_replicas):
    batches = [_numbered(4 * step, 4) for step in range(12)]
    _, query = _pool(6, seed=3)
    expected = [query(batch).numpy() for batch in batches]
    with two_replicas.scope():
        pool = ImagePool(6, seed=3)
        pool.build((None, 2, 2, 1))

    @tf.function
    def step(first, second):
        def run():
            context = tf.distribute.get_replica_context()
            return pool(tf.where(context.replica_id_in_sync_group == 0, first, second))

        return two_replicas.experimental_local_results(two_replicas.run(run))

    for batch, one in zip(batches, expected, strict=True):
        np.testing.assert_array_equal(np.concatenate(step(batch[:2], batch[2:])), one)
    copies = [copy.numpy() for copy in pool.images.value.values]
    np.testing.assert_array_equal(*copies)
