"""MUNIT's networks and AniGAN's blocks: values by hand, counts and outputs of the originals."""

import keras
import numpy as np
import pytest
from golden import by_name
from keras import ops

from ganime_tf.layers.adain import AdaIN, PictureNorm
from ganime_tf.layers.polin import AdaPoLIN, PoLIN
from ganime_tf.networks import munit


def _set(layer, key, dense_as_conv=False):
    """Fills a convolution or dense layer from the original's key."""
    rank = layer.kernel.ndim
    if rank == 4:
        height, width, inputs, outputs = layer.kernel.shape
        kernel = by_name.fill(f"{key}.weight", (outputs, inputs, height, width)).transpose(
            2, 3, 1, 0
        )
    else:
        inputs, outputs = layer.kernel.shape
        tail = (1, 1) if dense_as_conv else ()
        kernel = by_name.fill(f"{key}.weight", (outputs, inputs, *tail)).reshape(outputs, inputs).T
    layer.kernel.assign(kernel)
    if getattr(layer, "bias", None) is not None:
        layer.bias.assign(by_name.fill(f"{key}.bias", (outputs,)))


def _nhwc(array):
    return np.transpose(array, (0, 2, 3, 1))


def _close(received, golden):
    np.testing.assert_allclose(ops.convert_to_numpy(received), golden, atol=1e-4, rtol=1e-4)


def test_adain_gives_the_mean_and_deviation_it_is_told():
    x = np.random.RandomState(0).randn(2, 5, 6, 3).astype(np.float32) * 7 + 4
    gamma = np.float32([[1, 2, 3], [0, -1, 0.5]])
    beta = np.float32([[0, 5, -2], [3, 1, 0]])
    out = ops.convert_to_numpy(AdaIN()(x, gamma, beta))
    np.testing.assert_allclose(out.mean((1, 2)), beta, atol=1e-5)
    np.testing.assert_allclose(out.std((1, 2)), np.abs(gamma), atol=1e-5)


def test_picture_norm_divides_by_the_deviation_plus_epsilon():
    x = np.float32([1, 3]).reshape(1, 1, 2, 1) * 1e-5  # Deviation with n - 1: sqrt(2) * 1e-5.
    layer = PictureNorm()
    layer.build(x.shape)
    layer.gamma.assign([2.0])
    layer.beta.assign([0.5])
    side = 2 * 1 / (np.sqrt(2) + 1)
    np.testing.assert_allclose(np.ravel(layer(x)), [0.5 - side, 0.5 + side], rtol=1e-5)
    assert np.all(np.isfinite(layer(np.ones((1, 2, 2, 1), np.float32))))


@pytest.mark.parametrize("branch", ["instance", "layer"])
def test_polin_mixes_instance_and_layer_statistics(branch):
    x = np.random.RandomState(1).randn(2, 3, 4, 2).astype(np.float32) * [1.0, 9.0] + [0.0, 5.0]
    layer = PoLIN()
    layer.build(x.shape)
    eye, zero = np.eye(2), np.zeros((2, 2))
    layer.kernel.assign(np.concatenate([eye, zero] if branch == "instance" else [zero, eye]))
    layer.bias.assign([0.25, -1.0])
    axes = (1, 2) if branch == "instance" else (1, 2, 3)
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, ddof=1, keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 1e-5) + [0.25, -1.0]
    np.testing.assert_allclose(layer(x.astype(np.float32)), expected, atol=1e-5)


def test_adapolin_is_polin_without_bias_scaled_and_shifted():
    x = np.random.RandomState(2).randn(2, 4, 4, 3).astype(np.float32)
    plain, adaptive = PoLIN(), AdaPoLIN()
    gamma, beta = np.float32([[1, 2, 3], [4, 5, 6]]), np.float32([[0, 1, 2], [-1, 0, 3]])
    mixed = plain(x)
    adaptive(x, gamma, beta)
    adaptive.kernel.assign(plain.kernel)
    assert len(adaptive.weights) == 1
    expected = mixed * gamma[:, None, None] + beta[:, None, None]
    np.testing.assert_allclose(adaptive(x, gamma, beta), expected, atol=1e-5)


def test_halving_does_not_count_the_padding():
    x = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    out = munit.HalveByAverage()(x)
    np.testing.assert_allclose(np.squeeze(out), [[2, 3], [5, 6]], rtol=1e-6)
    np.testing.assert_allclose(munit.HalveByAverage()(np.ones((1, 6, 5, 1))), np.ones((1, 3, 3, 1)))


def test_counts_are_the_release_s_without_its_idle_biases():
    content = munit.build_content_encoder()
    style = munit.build_style_encoder()
    decoder = munit.build_munit_decoder()
    idle_content = 64 + 128 + 256 + 8 * 256
    idle_decoder = 8 * 256
    assert content.count_params() == 5_385_856 - idle_content
    assert style.count_params() == 2_764_936
    assert decoder.get_layer("mlp").count_params() == 1_120_768
    assert decoder.count_params() == 5_754_627 - idle_decoder + 1_120_768
    total = content.count_params() + style.count_params() + decoder.count_params()
    assert total == 15_026_187 - idle_content - idle_decoder
    hybrid = munit.build_munit_decoder(decoder="anigan")
    assert hybrid.get_layer("mlp").count_params() == 429_952
    assert hybrid.count_params() == 4_511_491 + 429_952
    total += hybrid.count_params() - decoder.count_params()
    assert total == 13_092_235 - idle_content
    assert munit.build_multi_scale_discriminator().count_params() == 8_271_171


TINY = {"filters": 4, "style_dim": 3, "mlp_width": 8, "num_blocks": 2}


@pytest.mark.parametrize("kind", munit.DECODERS)
def test_style_changes_the_picture_and_models_are_restored(kind, tmp_path):
    encoder = munit.build_content_encoder(filters=4, num_blocks=1)
    decoder = munit.build_munit_decoder(**TINY, decoder=kind)
    content = encoder(by_name.picture("x", 16)[:, :, :12])
    assert content.shape == (2, 4, 3, 16)
    styles = ops.convert_to_tensor([[0.0, 1.0, 2.0], [2.0, -1.0, 0.0]])
    pictures = decoder([content, styles])
    assert pictures.shape == (2, 16, 12, 3)
    assert float(ops.max(ops.abs(pictures))) <= 1
    assert float(ops.mean(ops.abs(decoder([content, styles[::-1]]) - pictures))) > 1e-3
    decoder.save(tmp_path / "decoder.keras")
    restored = keras.models.load_model(tmp_path / "decoder.keras")
    np.testing.assert_allclose(restored([content, styles]), pictures, atol=1e-6)


def test_unknown_decoder_is_refused():
    with pytest.raises(ValueError, match="one of"):
        munit.build_munit_decoder(decoder="unet")


def test_discriminator_judges_every_scale():
    network = munit.build_multi_scale_discriminator(filters=4)
    shapes = [tuple(output.shape) for output in network(np.zeros((1, 64, 64, 3), np.float32))]
    assert shapes == [(1, 4, 4, 1), (1, 2, 2, 1), (1, 1, 1, 1)]


def _golden_content():
    network = munit.build_content_encoder(filters=4, num_blocks=2)
    for index, name in enumerate(("stem", "down0", "down1")):
        _set(network.get_layer(name), f"gen_a.enc_content.model.{index}.conv")
    for block in (0, 1):
        for part in (0, 1):
            key = f"gen_a.enc_content.model.3.model.{block}.model.{part}.conv"
            _set(network.get_layer(f"block{block}_conv{part}"), key)
    return network


def _golden_style(prefix):
    network = munit.build_style_encoder(filters=4, style_dim=3)
    for index, name in enumerate(("stem", "down0", "down1", "down2", "down3")):
        _set(network.get_layer(name), f"{prefix}.enc_style.model.{index}.conv")
    _set(network.get_layer("code"), f"{prefix}.enc_style.model.6", dense_as_conv=True)
    return network


def _golden_decoder(prefix):
    network = munit.build_munit_decoder(**TINY)
    for index in range(3):
        dense = network.get_layer("mlp").get_layer(f"dense{index}")
        _set(dense, f"{prefix}.mlp.model.{index}.fc")
    for block in (0, 1):
        for part in (0, 1):
            key = f"{prefix}.dec.model.0.model.{block}.model.{part}.conv"
            _set(network.get_layer(f"block{block}_conv{part}"), key)
    for index, position in enumerate((2, 4)):
        _set(network.get_layer(f"up{index}"), f"{prefix}.dec.model.{position}.conv")
        norm = network.get_layer(f"up{index}_norm")
        for weight in ("gamma", "beta"):
            variable = getattr(norm, weight)
            key = f"{prefix}.dec.model.{position}.norm.{weight}"
            variable.assign(by_name.fill(key, tuple(variable.shape)))
    _set(network.get_layer("image"), f"{prefix}.dec.model.5.conv")
    return network


def test_networks_equal_the_release(shared):
    golden = np.load(shared / "facts/golden/munit_tiny.npz")
    a, b = by_name.picture("a", 16), by_name.picture("b", 16)
    content, style_a = _golden_content()(a), _golden_style("gen_a")(a)
    style_b = _golden_style("gen_b")(b)
    decoder_b = _golden_decoder("gen_b")
    style = ops.convert_to_tensor(golden["style"].reshape(2, 3))
    _close(content, _nhwc(golden["content_a"]))
    _close(style_a, golden["style_a"])
    _close(style_b, golden["style_b"])
    _close(_golden_decoder("gen_a")([content, style_a]), _nhwc(golden["recon_a"]))
    _close(decoder_b.get_layer("mlp")(style), golden["mlp_b"])
    _close(decoder_b([content, style]), _nhwc(golden["a2b_random"]))
    _close(decoder_b([content, style_b]), _nhwc(golden["a2b_reference"]))


def test_discriminator_equals_the_release(shared):
    golden = np.load(shared / "facts/golden/munit_tiny.npz")
    network = munit.build_multi_scale_discriminator(filters=4, num_layers=3, num_scales=2)
    for scale in (0, 1):
        for index in range(3):
            layer = network.get_layer(f"scale{scale}_conv{index}")
            _set(layer, f"dis_b.cnns.{scale}.{index}.conv")
        _set(network.get_layer(f"scale{scale}_logits"), f"dis_b.cnns.{scale}.3")
    for scale, output in enumerate(network(by_name.picture("b", 16))):
        _close(output, _nhwc(golden[f"dis_b_{scale}"]))


def test_blocks_equal_the_releases(shared):
    golden = np.load(shared / "facts/golden/munit_anigan_blocks.npz")
    x = by_name.random("x").standard_normal((2, 6, 8, 8)).astype(np.float32).transpose(0, 2, 3, 1)
    gamma, beta = (
        ops.convert_to_tensor(by_name.random(name).standard_normal((2, 6)).astype(np.float32))
        for name in ("gamma", "beta")
    )
    x = ops.convert_to_tensor(x)
    _close(AdaIN()(x, gamma, beta), _nhwc(golden["munit_adain"]))
    _close(munit.HalveByAverage()(x), _nhwc(golden["munit_downsample"]))
    plain, adaptive = PoLIN(), AdaPoLIN()
    plain(x)
    adaptive(x, gamma, beta)
    _set(plain, "polin.conv1x1", dense_as_conv=True)
    _set(adaptive, "adapolin.conv1x1", dense_as_conv=True)
    _close(plain(x), _nhwc(golden["polin"]))
    _close(adaptive(x, gamma, beta), _nhwc(golden["adapolin"]))

    inputs = [keras.Input((None, None, 6)), keras.Input((6,)), keras.Input((6,))]
    block = keras.Model(inputs, munit.asc_block(*inputs, name="asc"))
    for part in (0, 1):
        _set(block.get_layer(f"asc_conv{part}"), f"asc.conv{part + 1}")
        norm = block.get_layer(f"asc_conv{part}_norm")
        _set(norm, f"asc.norm{part + 1}.conv1x1", dense_as_conv=True)
    _close(block([x, gamma, beta]), _nhwc(golden["asc"]))

    half = [gamma[:, :3], beta[:, :3]]
    inputs = [keras.Input((None, None, 6)), keras.Input((3,)), keras.Input((3,))]
    block = keras.Model(inputs, munit.fst_block(*inputs, name="fst"))
    _set(block.get_layer("fst_conv0"), "fst.1.conv")
    _set(block.get_layer("fst_conv0_norm"), "fst.1.norm.conv1x1", dense_as_conv=True)
    _set(block.get_layer("fst_conv1"), "fst.2.conv")
    _set(block.get_layer("fst_conv1_norm"), "fst_norm.conv1x1", dense_as_conv=True)
    _close(block([x, *half]), _nhwc(golden["fst"]))

    norm = PictureNorm()
    norm.build(x.shape)
    norm.gamma.assign(by_name.fill("ln.gamma", (6,)))
    norm.beta.assign(by_name.fill("ln.beta", (6,)))
    _close(norm(x), _nhwc(golden["munit_ln"]))
