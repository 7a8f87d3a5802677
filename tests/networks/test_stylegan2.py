"""StyleGAN2 against golden values of the official code, and its parameter counts."""

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.convert.stylegan2_layouts import apply_state
from ganime_tf.losses import stylegan2 as penalties
from ganime_tf.networks import stylegan2 as networks

SMALL = {"image_size": 16, "channel_base": 128, "channel_max": 8}


def nhwc(x):
    return np.asarray(x, np.float32).transpose(0, 2, 3, 1)


def close(ours, theirs, rtol=1e-4, atol=1e-5):
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=rtol, atol=atol)


def unpack(flat, keys):
    state, start = {}, 0
    for entry in keys:
        name, shape = str(entry).split(" ", 1)
        shape = tuple(int(n) for n in shape.strip("(),").split(",") if n.strip())
        size = int(np.prod(shape))
        state[name] = flat[start : start + size].astype(np.float32).reshape(shape)
        start += size
    return state


def part(state, prefix):
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


@pytest.fixture
def generator(shared):
    golden = np.load(shared / "facts/golden_stylegan2_g.npz")
    state = unpack(golden["G.flat"], golden["G.keys"])
    mapping = networks.build_mapping(latent_size=8, style_size=8, num_layers=2)
    synthesis = networks.build_synthesis(style_size=8, **SMALL)
    apply_state(mapping, part(state, "mapping."))
    apply_state(synthesis, part(state, "synthesis."))
    return golden, mapping, synthesis


@pytest.fixture
def discriminator(shared):
    golden = np.load(shared / "facts/golden_stylegan2_d.npz")
    network = networks.build_stylegan2_discriminator(**SMALL)
    apply_state(network, unpack(golden["D.flat"], golden["D.keys"]))
    return golden, network


def spread(w, count=6):
    return tf.repeat(tf.convert_to_tensor(w)[:, None], count, axis=1)


def test_generator_matches_golden(generator):
    golden, mapping, synthesis = generator
    z, z2 = (golden[key].astype(np.float32) for key in ("z", "z2"))
    w = mapping(z)
    mean = mapping.get_layer("mean").mean
    close(w, golden["w"])
    close(networks.truncate(spread(w), mean, 0.7)[:, 0], golden["w_psi07"])
    close(networks.truncate(spread(w), mean, 0.7, 3)[0], golden["w_psi07_cutoff3"])
    ws = spread(w)
    close(synthesis(ws)[:1], nhwc(golden["image_const"]))
    mixed = tf.concat([ws[:, :3], spread(mapping(z2))[:, 3:]], 1)
    close(synthesis(mixed)[:1], nhwc(golden["image_mix3"]))
    for layer in synthesis.layers:
        if hasattr(layer, "noise_map"):
            layer.noise_map.map.assign(tf.zeros_like(layer.noise_map.map))
    close(synthesis(ws)[:1], nhwc(golden["image_none"]))
    mapping(z, training=True)
    close(mean, golden["w_avg_after"])


def test_discriminator_matches_golden(discriminator):
    golden, network = discriminator
    real, fake = nhwc(golden["real"]), nhwc(golden["fake"])
    close(network(fake), golden["logits_fake4"])
    close(network(real), golden["logits_real4"])
    close(network(np.concatenate([fake, real])), golden["logits_8"])
    close(network(real[:1]), golden["logits_1"])
    loss = losses.gan_discriminator_loss(network(real), network(fake))
    close(loss, golden["d_loss"])


def test_r1_and_its_gradients_match_golden(discriminator):
    golden, network = discriminator
    real = tf.constant(nhwc(golden["real"]))
    weights = [
        network.get_layer(name).kernel for name in ("b16_fromrgb", "b8_conv1")
    ] + [network.get_layer("b4_conv").bias]  # fmt: skip
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(real)
            scores = tf.reduce_sum(network(real))
        gradients = inner.gradient(scores, real)
        penalty = penalties.r1_penalty(gradients)
        loss = 16 * 10 / 2 * penalty
    close(tf.reduce_sum(gradients**2, (1, 2, 3)), golden["r1"])
    close(penalty, golden["r1"].mean())
    first, second, bias = tape.gradient(loss, [w.value for w in weights])
    close(tf.transpose(first, (3, 2, 0, 1)), golden["r1.grad.b16.fromrgb.weight"])
    close(tf.transpose(second, (3, 2, 0, 1)), golden["r1.grad.b8.conv1.weight"])
    close(bias, golden["r1.grad.b4.conv.bias"])


def test_path_length_and_its_gradients_match_golden(generator):
    golden, mapping, synthesis = generator
    z = tf.constant(golden["z"][:2].astype(np.float32))
    y = nhwc(golden["pl_noise_unit"]) * penalties.path_scale(16, 16)
    conv = synthesis.get_layer("b8_conv0")
    variables = [
        mapping.get_layer("fc0").kernel,
        conv.kernel,
        conv.affine.kernel,
        synthesis.get_layer("b16_conv1").noise_map.strength,
    ]
    with tf.GradientTape() as tape:
        ws = spread(mapping(z))
        with tf.GradientTape() as inner:
            inner.watch(ws)
            total = tf.reduce_sum(synthesis(ws) * y)
        lengths = penalties.path_lengths(inner.gradient(total, ws))
        penalty, mean = penalties.path_length_penalty(lengths, 0.5)
        loss = 8 * penalty
    close(lengths, golden["pl_lengths"])
    close(mean, golden["pl_mean_from_0.5"])
    close(loss, golden["pl_loss_x8"])
    fc, kernel, affine, strength = tape.gradient(loss, [v.value for v in variables])
    close(tf.transpose(fc), golden["pl.grad.mapping.fc0.weight"], atol=1e-4)
    kernel = tf.transpose(kernel, (3, 2, 0, 1))
    close(kernel, golden["pl.grad.synthesis.b8.conv0.weight"], atol=1e-4)
    close(tf.transpose(affine), golden["pl.grad.synthesis.b8.conv0.affine.weight"], atol=1e-4)
    close(strength, golden["pl.grad.synthesis.b16.conv1.noise_strength"])


def test_parameters_are_those_of_the_official_code():
    def count(network):
        return sum(int(np.prod(v.shape)) for v in network.trainable_variables)

    assert count(networks.build_mapping()) == 2_101_248
    for size, generator, discriminator in (
        (256, 30_034_338, 28_864_129),
        (1024, 30_370_060, 29_012_513),
    ):
        synthesis = networks.build_synthesis(image_size=size)
        assert count(synthesis) + 2_101_248 == generator
        network = networks.build_stylegan2_discriminator(image_size=size)
        assert count(network) == discriminator


def test_conditional_networks_depend_on_the_label():
    mapping = networks.build_mapping(latent_size=8, style_size=8, num_layers=2, num_labels=3)
    network = networks.build_stylegan2_discriminator(num_labels=3, mapping_layers=1, **SMALL)
    z, images = tf.ones((1, 8)), tf.random.stateless_normal((1, 16, 16, 3), (0, 1))
    one, two = tf.one_hot([0], 3), tf.one_hot([1], 3)
    assert np.abs(mapping([z, one]) - mapping([z, two])).max() > 1e-3
    assert np.abs(network([images, one]) - network([images, two])).max() > 1e-4


def test_wrong_size_is_named():
    with pytest.raises(ValueError, match="power of 2 from 8 on. Received 48"):
        networks.build_synthesis(image_size=48)
