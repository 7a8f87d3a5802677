"""The layers that replace tensorflow-addons' compute its numbers: `golden/tfa/make_tfa.py`."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.norm import instance_norm
from ganime_tf.layers.spectral import SpectralConv2D, SpectralDense


@pytest.fixture(scope="module")
def tfa():
    return np.load(Path(__file__).parents[1] / "golden" / "tfa" / "tfa.npz")


@pytest.mark.parametrize("epsilon", [1e-3, 1e-5])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("name", ["plain", "offset", "single"])
def test_instance_norm_matches_tensorflow_addons(tfa, name, affine, epsilon):
    layer = instance_norm(affine=affine, epsilon=epsilon)
    x = tf.constant(tfa[f"in_{name}_x"])
    layer.build(x.shape)
    if affine:
        layer.set_weights([tfa["in_gamma"], tfa["in_beta"]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        loss = tf.reduce_sum(tf.sin(y))
    key = f"in_{name}_{'affine' if affine else 'plain'}_{epsilon:.0e}"
    # "offset" is 40 +- 0.05: float32 itself resolves it to 4e-6 / 0.05.
    tolerance = 2e-4 if name == "offset" else 1e-5
    np.testing.assert_allclose(y, tfa[f"{key}_y"], atol=tolerance)
    want = tfa[f"{key}_gradient"]
    np.testing.assert_allclose(
        tape.gradient(loss, x), want, atol=tolerance * max(1.0, np.abs(want).max())
    )


def _spectral(tfa, name):
    layer = SpectralConv2D(5, 4, 2, "same") if name == "conv" else SpectralDense(5)
    layer.build(tfa[f"sn_{name}_x"].shape)
    layer.kernel.assign(tfa[f"sn_{name}_kernel"])
    layer.bias.assign(tfa[f"sn_{name}_bias"])
    layer.u.assign(tfa[f"sn_{name}_u"][0])
    return layer


@pytest.mark.parametrize("name", ["conv", "dense"])
def test_spectral_norm_matches_tensorflow_addons(tfa, name):
    # The same raw kernel and u, n training calls, no optimizer between them: W / sigma is the same
    # number, kept in the kernel there and computed from the raw kernel here.
    layer, x = _spectral(tfa, name), tfa[f"sn_{name}_x"]
    for call in (1, 2, 3):
        y = layer(x, training=True)
        if call == 2:
            continue
        np.testing.assert_allclose(y, tfa[f"sn_{name}_y{call}"], atol=1e-5)
        np.testing.assert_allclose(layer.u.numpy(), tfa[f"sn_{name}_u{call}"][0], atol=1e-6)
        normalized = layer.normalized_kernel().numpy()
        np.testing.assert_allclose(normalized, tfa[f"sn_{name}_kernel{call}"], atol=1e-6)
    np.testing.assert_allclose(layer(x, training=False), tfa[f"sn_{name}_inference"], atol=1e-5)
    np.testing.assert_array_equal(layer.kernel.numpy(), tfa[f"sn_{name}_kernel"])


@pytest.mark.parametrize("name", ["conv", "dense"])
def test_spectral_gradient_is_that_of_tensorflow_addons_through_sigma(tfa, name):
    # There G = dL / d(W/sigma) is applied to the kernel; here sigma is differentiated as well
    # (Miyato et al. 2018, eq. (12)): dL/dW = (G - <G, W/sigma> v u') / sigma.
    layer, x = _spectral(tfa, name), tfa[f"sn_{name}_x"]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(layer(x, training=True)))
    got = tape.gradient(loss, layer.kernel.value).numpy()
    outer = tfa[f"sn_{name}_gradient1"].astype("float64")
    kernel = tfa[f"sn_{name}_kernel"].astype("float64")
    u = tfa[f"sn_{name}_u1"][0].astype("float64")
    v = kernel.reshape(-1, 5) @ tfa[f"sn_{name}_u"][0]
    v = v / np.linalg.norm(v)
    sigma = v @ kernel.reshape(-1, 5) @ u
    direction = np.outer(v, u).reshape(kernel.shape)
    want = (outer - np.sum(outer * kernel / sigma) * direction) / sigma
    np.testing.assert_allclose(got, want, atol=1e-5 * np.abs(want).max())
    assert np.abs(want - outer).max() > 0.1 * np.abs(want).max()  # the two do differ
