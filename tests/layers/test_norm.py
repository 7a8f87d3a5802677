"""Normalization by the papers' constants."""

import keras
import numpy as np

from ganime_tf.layers.norm import batch_norm


def test_the_moving_variance_is_unbiased_and_the_batch_is_normalized_by_the_biased_one():
    x = np.random.default_rng(0).normal(3.0, 2.0, (1, 2, 2, 5)).astype("float32")
    layer = batch_norm()
    out = np.array(layer(x, training=True))
    flat = x.reshape(4, 5).astype("float64")
    biased = (flat - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5)
    np.testing.assert_allclose(out.reshape(4, 5), biased, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * flat.var(0, ddof=1), rtol=1e-5)
    before = np.array(layer.moving_variance)
    layer(x, training=False)
    np.testing.assert_array_equal(before, layer.moving_variance)


def test_the_moving_variance_counts_the_values_of_all_replicas(two_replicas):
    x = np.random.default_rng(1).normal(size=(2, 1, 2, 3)).astype("float32")
    with two_replicas.scope():
        layer = batch_norm()
        layer.build(x.shape)
    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: x[context.replica_id_in_sync_group][None]
    )
    two_replicas.run(lambda part: layer(part, training=True), args=(parts,))
    wanted = 0.9 + 0.1 * x.reshape(4, 3).var(0, ddof=1)
    np.testing.assert_allclose(layer.moving_variance, wanted, rtol=1e-5)


def test_a_file_with_keras_own_layer_still_opens(tmp_path):
    inputs = keras.Input((4, 4, 3))
    old = keras.Model(inputs, keras.layers.BatchNormalization(name="norm")(inputs))
    new = keras.Model(inputs, batch_norm(epsilon=1e-3, name="norm")(inputs))
    old.get_layer("norm").moving_variance.assign([1.0, 2.0, 3.0])
    old.save_weights(tmp_path / "old.weights.h5")
    new.load_weights(tmp_path / "old.weights.h5")
    np.testing.assert_array_equal(new.get_layer("norm").moving_variance, [1.0, 2.0, 3.0])
