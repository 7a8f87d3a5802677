"""Spectral normalization: the largest singular value is 1 and the gradient is that of W / sigma."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.spectral import SpectralConv2D, SpectralDense


def _features(seed=0, shape=(2, 6, 5, 3)):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_power_iterations_converge_to_the_largest_singular_value():
    layer = SpectralConv2D(4, 3, kernel_initializer="random_normal")
    for _ in range(200):
        layer(_features(), training=True)
    matrix = layer.kernel.numpy().reshape(-1, 4)
    normalized = layer.normalized_kernel().numpy().reshape(-1, 4)
    np.testing.assert_allclose(np.linalg.svd(normalized, compute_uv=False)[0], 1.0, atol=1e-4)
    np.testing.assert_allclose(normalized, matrix / np.linalg.norm(matrix, 2), atol=1e-4)


def test_training_call_leaves_the_raw_kernel_and_inference_leaves_the_state():
    layer = SpectralDense(4)
    x = _features(shape=(2, 3))
    layer(x)
    kernel, u, v = (weight.numpy() for weight in (layer.kernel, layer.u, layer.v))
    layer(x, training=False)
    np.testing.assert_array_equal(layer.u.numpy(), u)
    layer(x, training=True)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    expected_v = kernel @ u / np.linalg.norm(kernel @ u)
    np.testing.assert_allclose(layer.v.numpy(), expected_v, atol=1e-6)
    assert not np.allclose(layer.v.numpy(), v)


@pytest.mark.parametrize("layer", [SpectralConv2D(4, 3), SpectralDense(4)])
def test_gradient_is_orthogonal_to_the_kernel(layer):
    # W / sigma(W) does not change with the scale of W (u and v held fixed).
    x = _features()
    layer(x)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.sin(layer(x, training=True)))
    gradient = tape.gradient(loss, layer.kernel.value)
    scale = float(tf.norm(gradient) * tf.norm(layer.kernel.value))
    assert scale > 1.0
    assert abs(float(tf.reduce_sum(gradient * layer.kernel.value))) < 1e-5 * scale


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2])
def test_convolves_with_the_normalized_kernel(padding, strides):
    layer = SpectralConv2D(4, 4, strides, padding, bias_initializer="random_normal")
    plain = keras.layers.Conv2D(4, 4, strides, padding)
    x = _features(shape=(2, 9, 8, 3))
    y = layer(x)
    plain.build(x.shape)
    plain.set_weights([layer.normalized_kernel().numpy(), layer.bias.numpy()])
    np.testing.assert_allclose(y, plain(x), atol=1e-5)
    assert layer.compute_output_shape((2, 9, 8, 3)) == y.shape
    assert layer.compute_output_shape((None, None, 8, 3)) == (None, None, *y.shape[2:])


@pytest.mark.parametrize(
    "layer", [SpectralConv2D(4, 3, 2, "same", use_bias=False), SpectralDense(2)]
)
def test_config_round_trip(layer):
    layer(_features())
    copy = type(layer).from_config(layer.get_config())
    copy(_features())
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(_features()), layer(_features()))


def test_half_precision_keeps_sigma_in_float32():
    layer = SpectralConv2D(4, 3, dtype="mixed_float16")
    assert layer(_features(), training=True).dtype == tf.float16
    assert {str(weight.dtype) for weight in layer.weights} == {"float32"}
    assert layer.normalized_kernel().dtype == tf.float32


def test_invalid_arguments_raise():
    with pytest.raises(ValueError, match="power_iterations"):
        SpectralDense(2, power_iterations=0)
    with pytest.raises(ValueError, match="padding"):
        SpectralConv2D(2, 3, padding="reflect")


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_three_training_steps_match_pytorch(kind):
    torch = pytest.importorskip("torch")
    if kind == "conv":
        theirs = torch.nn.utils.spectral_norm(torch.nn.Conv2d(3, 5, 4, 2))
        ours = SpectralConv2D(5, 4, 2)
        x = _features(shape=(2, 8, 8, 3))
        to_torch, to_kernel = (0, 3, 1, 2), (2, 3, 1, 0)
    else:
        theirs = torch.nn.utils.spectral_norm(torch.nn.Linear(3, 5))
        ours = SpectralDense(5)
        x = _features(shape=(2, 3))
        to_torch, to_kernel = (0, 1), (1, 0)
    ours(x)
    weight = theirs.weight_orig.detach().numpy()
    v = theirs.weight_v.numpy().reshape((1, *weight.shape[1:]))
    ours.kernel.assign(weight.transpose(to_kernel))
    ours.bias.assign(theirs.bias.detach().numpy())
    ours.u.assign(theirs.weight_u.numpy())
    ours.v.assign(v.transpose(to_kernel).reshape(-1))
    optimizer = torch.optim.SGD(theirs.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = theirs(torch.tensor(x.transpose(to_torch))).sin().sum()
        loss.backward()
        optimizer.step()
        with tf.GradientTape() as tape:
            our_loss = tf.reduce_sum(tf.sin(ours(x, training=True)))
        gradients = tape.gradient(our_loss, [ours.kernel.value, ours.bias.value])
        ours.kernel.assign_sub(0.1 * gradients[0])
        ours.bias.assign_sub(0.1 * gradients[1])
        np.testing.assert_allclose(float(our_loss), loss.item(), rtol=1e-4)
    np.testing.assert_allclose(
        ours.kernel.numpy(), theirs.weight_orig.detach().numpy().transpose(to_kernel), atol=1e-5
    )
    np.testing.assert_allclose(ours.u.numpy(), theirs.weight_u.numpy(), atol=1e-5)
