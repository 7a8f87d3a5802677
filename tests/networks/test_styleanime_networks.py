"""StyleAnime's networks against the released code's numbers, and their sizes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.equalized import EqualDense
from ganime_tf.layers.face_bank import FaceBank, bank_weights
from ganime_tf.layers.segmentation import ResizeLike
from ganime_tf.networks import styleanime as networks
from ganime_tf.networks.ir_se import apply_state, build_identity, cut_face, residual_unit


def _nhwc(value):
    return np.asarray(value, np.float32).transpose(0, 2, 3, 1)


@pytest.fixture
def blocks(shared):
    return np.load(shared / "facts/golden_styleanime_blocks.npz")


@pytest.fixture
def numbers(shared):
    return np.load(shared / "facts/golden_styleanime.npz")


def _state(blocks, name, prefix):
    """The block's arrays by name, put behind a prefix."""
    flat, state, start = blocks[f"{name}.flat"].astype(np.float32), {}, 0
    for entry in blocks[f"{name}.keys"]:
        key, _, shape = str(entry).partition(" ")
        shape = tuple(int(side) for side in shape.strip("()").split(",") if side.strip())
        state[f"{prefix}.{key}"] = flat[start : start + int(np.prod(shape))].reshape(shape)
        start += int(np.prod(shape))
    assert start == len(flat)
    return state


@pytest.mark.parametrize(("name", "width"), [("same_s2", 16), ("grow_s2", 18)])
def test_unit_matches_the_released_code_in_both_modes(blocks, name, width):
    x = keras.Input((8, 8, 16))
    network = keras.Model(x, residual_unit(x, width, 2, "u"))
    apply_state(network, _state(blocks, name, "u"))
    picture = _nhwc(blocks["x"])
    for training, mode in ((False, "eval"), (True, "train")):
        found = network(picture, training=training)
        np.testing.assert_allclose(found, _nhwc(blocks[f"{name}.{mode}"]), atol=1e-4)
    moved = network.get_layer("u.res_layer.4").moving_variance
    np.testing.assert_allclose(np.array(moved), blocks[f"{name}.running_var_after"], atol=1e-4)


def test_head_matches_the_released_code(blocks):
    x = keras.Input((16, 16, 8))
    network = keras.Model(x, networks.map_to_style(x, 16, 8, "h"))
    apply_state(network, _state(blocks, "map2style", "h"))
    found = network(_nhwc(blocks["h"]))[:, 0]
    np.testing.assert_allclose(found, blocks["map2style.out"], atol=1e-4)


def test_levels_are_enlarged_corners_on_corners(blocks):
    found = ResizeLike()(_nhwc(blocks["up.in"]), np.zeros((1, 8, 8, 1), np.float32))
    np.testing.assert_allclose(found, _nhwc(blocks["up.out"]), atol=1e-5)


def _fill(networks_, random):
    """Fills encoder 1 and 2 as the golden file was made: sorted names, one stream."""
    from ganime_tf.networks.ir_se import state_table

    entries = {}
    for number, network in networks_:
        table = {key: tuple(v.shape) for key, (v, _) in state_table(network).items()}
        for key, shape in table.items():
            if len(shape) == 4:
                shape = (shape[3], shape[2], shape[0], shape[1])
            elif len(shape) == 2:
                shape = shape[::-1]
            elif len(shape) == 3:  # PReLU
                shape = shape[-1:]
            entries[f"encoder_{number}.{key}"] = shape
    entries["encoder_1.latlayer2.weight"] = (512, 128, 1, 1)
    entries["encoder_1.latlayer2.bias"] = (512,)
    states = {1: {}, 2: {}}
    for key in sorted(entries):
        shape = entries[key]
        a = random.standard_normal(shape).astype(np.float32)
        slope = key.endswith(("input_layer.2.weight", "res_layer.2.weight"))
        if key.endswith("running_var"):
            value = 1 + 0.1 * np.abs(a)
        elif key.endswith(("running_mean", "bias")):
            value = 0.1 * a
        elif len(shape) == 4:
            value = a / np.sqrt(np.prod(shape[1:]))
        elif len(shape) == 2:
            value = a
        else:
            value = 0.25 + 0.05 * a if slope else 1 + 0.1 * a
        number, _, name = key.removeprefix("encoder_").partition(".")
        states[int(number)][name] = value
    for number, network in networks_:
        apply_state(network, states[number], ignored=("latlayer2",) if number == 1 else ())


@pytest.mark.slow
def test_whole_encoders_match_the_released_code(numbers):
    structure = networks.build_pyramid_encoder(in_channels=19, heads=(3, 7, 0))
    appearance = networks.build_pyramid_encoder(heads=(0, 0, 4))
    _fill([(1, structure), (2, appearance)], np.random.RandomState(0))
    labels = np.kron(numbers["labels"], np.ones((8, 8), np.uint8))[None]
    codes = structure(tf.one_hot(labels, 19), training=False)
    np.testing.assert_allclose(codes[0, :, :64], numbers["w_parsing"], atol=1e-4)
    codes = appearance(_nhwc(numbers["image"]), training=False)
    np.testing.assert_allclose(codes[0, :, :64], numbers["w_image"], atol=1e-4)


def _count(network, skip=("moving_mean", "moving_variance")):
    return sum(int(np.prod(v.shape)) for v in network.variables if v.name not in skip)


def test_sizes_are_those_of_the_released_code():
    # One head of each level: the others are as large.
    one = networks.build_pyramid_encoder(in_channels=19, heads=(1, 1, 1))
    heads = {name: 0 for name in ("styles.0", "styles.1", "styles.2")}
    for layer in one.layers:
        for head in heads:
            if layer.name.startswith(f"{head}."):
                heads[head] += layer.count_params()
    assert list(heads.values()) == [9_701_888, 12_061_696, 14_421_504]
    lateral = one.get_layer("latlayer1").count_params(), one.get_layer("latlayer2").count_params()
    assert lateral == (131_584, 66_048)
    base = _count(one) - sum(heads.values()) - sum(lateral)
    assert base == 30_948_160 + 11_136
    # The released parsing encoder owns a second lateral layer that nothing uses.
    assert base + 3 * 9_701_888 + 7 * 12_061_696 + sum(lateral) == 144_694_464
    picture = base - 11_136 + 1_920
    assert picture + 4 * 14_421_504 + sum(lateral) == 88_833_728
    judge = networks.build_latent_discriminator(released=True)
    assert judge.count_params() == 4_459_009
    assert networks.build_latent_discriminator().count_params() == 4_459_009 - 512 * 513


def test_arcface_has_the_released_size():
    network = build_identity()
    assert _count(network) == 43_797_696
    rows = network(np.zeros((1, 112, 112, 3), np.float32))
    assert float(tf.norm(rows)) == pytest.approx(1.0, abs=1e-5)


def test_faces_are_cut_as_pytorch_pools():
    torch = pytest.importorskip("torch")
    images = np.random.default_rng(0).normal(size=(1, 256, 256, 3)).astype(np.float32)
    face = torch.from_numpy(images.transpose(0, 3, 1, 2))[:, :, 35:223, 32:220]
    wanted = torch.nn.functional.adaptive_avg_pool2d(face, 112).numpy()
    np.testing.assert_allclose(cut_face(images), _nhwc(wanted), atol=1e-5)


def test_heads_split_as_the_paper_does():
    assert networks.split_codes(256) == (10, 4)
    assert networks.structure_heads(10) == (3, 7, 0)
    assert networks.whole_heads(10, 4) == (3, 4, 7)
    assert networks.split_codes(32) == (4, 4)
    with pytest.raises(ValueError, match="leaves none"):
        networks.split_codes(16, 6)


def test_latent_discriminator_matches_the_released_code(numbers):
    network = networks.build_latent_discriminator(released=True)
    random, state = np.random.RandomState(7), {}
    shapes = {"mlp.1": (512, 7168), "mlp.8": (1, 512)} | {
        f"mlp.{n}": (512, 512) for n in (2, 4, 6)
    }  # fmt: skip
    for name in sorted(f"{layer}.{part}" for layer in shapes for part in ("weight", "bias")):
        shape = shapes[name[:5]] if name.endswith("weight") else shapes[name[:5]][:1]
        a = random.standard_normal(shape).astype(np.float32)
        state[name] = a / np.sqrt(shape[1]) if len(shape) == 2 else 0.1 * a
    apply_state(network, state)
    codes = np.random.RandomState(8).standard_normal((2, 14, 512)).astype(np.float32)
    np.testing.assert_allclose(network(codes), numbers["latent_logits"], atol=1e-4)


def test_bank_weights_match_the_released_code_and_the_closed_form(numbers):
    bank, query = numbers["fb_bank"], numbers["fb_query"]
    chosen = bank[numbers["fb_index"]]
    for released, kind in ((False, "paper"), (True, "code")):
        weights = bank_weights(query[None, None], chosen[None, :, None], released)
        np.testing.assert_allclose(weights[0], numbers[f"fb_beta_{kind}"], atol=1e-4)
        np.testing.assert_allclose(
            tf.tensordot(weights[0], chosen, 1), numbers[f"fb_anchor_{kind}"], atol=1e-4
        )
    layer = FaceBank(60, 28, 10)
    layer.fill(bank)
    np.testing.assert_array_equal(layer.nearest(query[None, None])[0], numbers["fb_index"])


def test_bank_draws_whole_codes_towards_repeated_latents():
    random = np.random.default_rng(0)
    layer = FaceBank(40, 6, 5)
    codes = tf.constant(random.normal(size=(3, 4, 6)), tf.float32)
    np.testing.assert_array_equal(layer(codes, alpha=0.2), codes)  # empty
    bank = random.normal(size=(40, 6)).astype(np.float32)
    layer.fill(bank)
    whole = np.repeat(bank[:, None], 4, 1).reshape(40, -1)  # the entries as W+ codes
    flat = np.array(codes).reshape(3, -1)
    for row in range(3):
        order = np.argsort(((whole - flat[row]) ** 2).sum(1))[:5]
        z = whole[order] - flat[row]
        beta = np.linalg.solve(z @ z.T, np.ones(5))
        anchor = (beta / beta.sum()) @ whole[order]
        wanted = 0.3 * flat[row] + 0.7 * anchor
        np.testing.assert_allclose(
            np.array(layer(codes, alpha=0.3))[row].ravel(), wanted, atol=1e-4
        )  # fmt: skip
    np.testing.assert_allclose(layer(codes, alpha=1.0), codes, atol=1e-6)


def test_encoders_round_trip_and_refuse_what_makes_no_sense():
    small = {"image_size": 32, "units": (1, 1, 1, 1), "filters": 8, "style_size": 16}
    network = networks.build_pyramid_encoder(**small, in_channels=5, heads=(2, 2, 0))
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 5)).astype(np.float32)
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    assert network(x).shape == (2, 4, 16)
    np.testing.assert_allclose(copy(x), network(x), atol=1e-6)
    assert isinstance(network.get_layer("styles.0.linear"), EqualDense)
    with pytest.raises(ValueError, match="at least one head"):
        networks.build_pyramid_encoder(**small, heads=(0, 0, 0))
