"""The disentangling networks and losses against the author's code and its parameter counts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.disentangle import CenteredPReLU, UnitFilters, Warp
from ganime_tf.losses import disentangle as losses
from ganime_tf.networks.disentangle import (
    StyleBank,
    build_content_encoder,
    build_style_generator,
    build_style_judge,
)

_SMALL = {"image_size": 16, "filters": (3, 4, 6), "dense": 10, "bus": True}


def _count(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("build", "kwargs", "count"),
    [
        (build_content_encoder, {"input_channels": 4, "content_size": 32}, 301_904),
        (build_style_generator, {"content_size": 32, "style_size": 16}, 302_132),
        (build_style_judge, {"input_channels": 4, "num_outputs": 12}, 296_092),
        (build_style_judge, {"input_channels": 4, "num_outputs": 1}, 294_673),
    ],
)
def test_tiny_networks_have_the_codes_counts(build, kwargs, count):
    extra = {"warp": True} if build is build_style_generator else {}
    sizes = {"image_size": 32, "filters": (16, 32, 64), "dense": 128}
    full = build(**sizes, bus=True, **extra, **kwargs)
    assert _count(full) == count
    plain = build(**sizes, **kwargs)
    assert _count(plain) < count


def _load(model, golden, letter, side=2, channels=6):
    """Fills a model from a golden file's flat weights; permutes where NCHW was flattened."""
    names = {}
    for variable in model.trainable_variables:
        *module, kind = variable.path.split("/")
        names[
            ".".join(module[-1:]) + "." + {"kernel": "weight", "slope": "weight"}.get(kind, kind)
        ] = variable
    start = 0
    for key in golden[f"{letter}.keys"]:
        name, _, shape = str(key).partition(" ")
        shape = tuple(int(part) for part in shape.strip("()").split(",") if part.strip())
        size = int(np.prod(shape))
        value = golden[f"{letter}.flat"][start : start + size].reshape(shape).astype(np.float32)
        start += size
        if letter == "G" and name in ("fc.2.weight", "fc.2.bias", "fc.3.weight"):
            rows = value.reshape(channels, side, side, *shape[1:])
            value = np.moveaxis(rows, 0, 2).reshape(shape)
        if letter != "G" and name == "fc.0.weight":
            columns = value.reshape(shape[0], channels, side, side)
            value = columns.transpose(0, 2, 3, 1).reshape(shape)
        if value.ndim == 4:
            value = value.transpose(2, 3, 1, 0)
        elif value.ndim == 2 and letter != "S":
            value = value.T
        names.pop(name).assign(value)
    assert not names


def _nhwc(x):
    return np.asarray(x, np.float32).transpose(0, 2, 3, 1)


@pytest.fixture
def golden(shared):
    files = [shared / "facts" / f"golden_disentangle_{name}.npz" for name in ("generate", "judge")]
    return [np.load(file) for file in files]


def _generate(golden):
    encoder = build_content_encoder(**_SMALL, input_channels=4, content_size=6)
    generator = build_style_generator(**_SMALL, content_size=6, style_size=4, warp=True)
    bank = StyleBank(5, 4)
    bank.frequency.assign(golden["class_freq"])
    _load(encoder, golden, "E")
    _load(generator, golden, "G")
    bank.mean.assign(golden["S.flat"][:20].reshape(5, 4))
    bank.pstd.assign(golden["S.flat"][20:].reshape(5, 4))
    return encoder, generator, bank


def _masked(x):
    """The code's input: colours only where the picture is, and alpha."""
    x = _nhwc(x)
    return np.concatenate([x[..., :3] * (x[..., 3:] > 0), x[..., 3:]], -1)


def test_generation_equals_the_authors_code(golden):
    golden = golden[0]
    encoder, generator, bank = _generate(golden)
    close = {"atol": 1e-4, "rtol": 1e-4}
    mean, std = encoder(_masked(golden["x"]))
    np.testing.assert_allclose(mean, golden["con_mean"], **close)
    np.testing.assert_allclose(std, golden["con_std"], **close)
    style, style_std = bank(golden["labels"])
    np.testing.assert_allclose(style, golden["sty_mean"], **close)
    np.testing.assert_allclose(style_std, golden["sty_std"], **close)
    np.testing.assert_allclose(bank.divergence(), golden["sty_kl"], **close)
    np.testing.assert_allclose(losses.divergence_by_dimension(mean, std), golden["con_kl"], **close)
    content = (mean + std * golden["eps_c"]) * golden["mask_c"]
    code = (style + style_std * golden["eps_s"]) * golden["mask_s"]
    picture, penalty = generator([content, code])
    np.testing.assert_allclose(picture, _nhwc(golden["rec"]), **close)
    np.testing.assert_allclose(penalty, golden["transform_penalty"], **close)


def test_judges_equal_the_authors_code(golden):
    golden = golden[1]
    kwargs = {**_SMALL, "input_channels": 4}
    artists = build_style_judge(**kwargs, num_outputs=5)
    real = build_style_judge(**kwargs, num_outputs=1, head="dis")
    _load(artists, golden, "C")
    _load(real, golden, "D")
    close = {"atol": 1e-4, "rtol": 1e-4}
    labels, frequency = golden["labels"], golden["class_freq"]
    x = _masked(golden["x"])
    generated = _nhwc(golden["generated"])
    opaque = np.concatenate([generated, np.ones((4, 16, 16, 1), np.float32)], -1)
    alpha = x[..., 3:]
    fake = np.concatenate([generated * (alpha > 0), alpha], -1)
    scores, regular = artists(opaque)
    np.testing.assert_allclose(tf.nn.log_softmax(scores), golden["cla_logp"], **close)
    nll = losses.negative_log_likelihood
    np.testing.assert_allclose(nll(scores, labels), golden["cla_loss"], **close)
    gain = losses.confusion(scores, labels, frequency)
    np.testing.assert_allclose(gain, golden["cla_adv_loss"], **close)
    # The logarithm of a difference of squares loses digits.
    np.testing.assert_allclose(regular, golden["cla_br"], rtol=1e-3)
    others = np.roll(labels, -1)
    np.testing.assert_allclose(nll(scores, others), golden["cla_nll_gen"], **close)
    np.testing.assert_allclose(losses.unlikelihood(scores, others), golden["nlu_fake"], **close)
    d_real, d_fake = real(x)[0][:, 0], real(fake)[0][:, 0]
    np.testing.assert_allclose(d_real, golden["d_real"], **close)
    np.testing.assert_allclose(d_fake, golden["d_fake"], **close)
    for name, score, target in (
        ("d_real_loss", d_real, 1.0),
        ("d_fake_loss", d_fake, -1.0),
        ("g_dis_loss", d_fake, 0.0),
    ):
        np.testing.assert_allclose(losses.realness(score, target), golden[name], **close)


def test_gradients_of_a_first_stage_equal_the_authors_code(golden):
    generate, judge = golden
    encoder, generator, bank = _generate(generate)
    artists = build_style_judge(**_SMALL, input_channels=4, num_outputs=5)
    _load(artists, judge, "C")
    x = _masked(generate["x"])
    labels = generate["labels"]
    alpha = x[..., 3]
    with tf.GradientTape() as tape:
        mean, std = encoder(x)
        style, style_std = bank(labels)
        content = (mean + std * generate["eps_c"]) * generate["mask_c"]
        code = (style + style_std * generate["eps_s"]) * generate["mask_s"]
        picture, _ = generator([content, code])
        reconstruction = losses.pixel_distance(picture, x[..., :3], alpha)
        other = tf.stop_gradient(tf.roll(code, -1, 0))
        fake, _ = generator([content, other])
        opaque = tf.concat([fake, tf.ones_like(fake[..., :1])], -1)
        gain = losses.confusion(artists(opaque)[0], labels, generate["class_freq"])
        total = reconstruction - 0.2 * gain
    kernel = encoder.get_layer("mean").kernel
    gradients = tape.gradient(total, [kernel, bank.mean])
    np.testing.assert_allclose(reconstruction, generate["rec_loss"], rtol=1e-4)
    np.testing.assert_allclose(fake[:1], _nhwc(generate["rec_shift_first"]), atol=1e-4)
    np.testing.assert_allclose(gain, judge["cla_adv_loss"], rtol=1e-4)
    expected = judge["grad_E_mean_weight"].T
    np.testing.assert_allclose(gradients[0], expected, atol=1e-4 * np.abs(expected).max())
    expected = judge["grad_S_mean"]
    np.testing.assert_allclose(gradients[1], expected, atol=1e-4 * np.abs(expected).max())


def test_warp_and_activation_equal_the_authors_code(golden):
    golden = golden[0]
    moved, penalty = Warp()(_nhwc(golden["warp_in"]))
    np.testing.assert_allclose(moved, _nhwc(golden["warp_out"]), atol=1e-5)
    np.testing.assert_allclose(penalty, golden["warp_penalty"], rtol=1e-5)
    x = np.linspace(-2, 2, 9, dtype=np.float32)[:, None]
    np.testing.assert_allclose(CenteredPReLU()(x)[:, 0], golden["cprelu"], atol=1e-6)


def test_filters_start_with_one_length():
    kernel = np.asarray(UnitFilters(seed=1)((3, 3, 4, 5)))
    np.testing.assert_allclose(np.sqrt((kernel**2).sum((0, 1, 2))), 1.0, rtol=1e-5)
    kernel = np.asarray(UnitFilters(transposed=True, length=2.0, seed=1)((6, 6, 5, 4)))
    np.testing.assert_allclose(np.sqrt((kernel**2).sum((0, 1, 3))), 2.0, rtol=1e-5)


def test_losses_equal_their_closed_forms():
    scores = np.log(np.array([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05]], np.float32))
    labels = np.array([0, 2])
    close = {"rtol": 1e-4}
    nll = -np.mean(np.log([0.7, 0.05]))
    np.testing.assert_allclose(losses.negative_log_likelihood(scores, labels), nll, **close)
    nlu = -np.mean(np.log([0.3, 0.95]))
    np.testing.assert_allclose(losses.unlikelihood(scores, labels), nlu, **close)
    clamped = -np.mean(np.log([0.7, 0.25]))
    frequency = np.array([0.25, 0.5, 0.25], np.float32)
    np.testing.assert_allclose(losses.confusion(scores, labels, frequency), clamped, **close)
    np.testing.assert_allclose(losses.confusion(scores, labels), nll, **close)
    x = np.zeros((1, 1, 2, 3), np.float32)
    y = np.array([[[[3.0, 4.0, 0.0], [0.0, 0.0, 1.0]]]], np.float32)
    np.testing.assert_allclose(losses.pixel_distance(x, y), 3.0, **close)
    weights = np.array([[[3.0, 1.0]]], np.float32)
    np.testing.assert_allclose(losses.pixel_distance(x, y, weights), 4.0, **close)


def test_no_gain_below_chance_and_no_infinite_slope():
    scores = tf.Variable([[0.0, 5.0]])
    x = tf.Variable(tf.zeros((1, 2, 2, 3)))
    with tf.GradientTape(persistent=True) as tape:
        loss = losses.confusion(scores, [0], np.array([0.5, 0.5], np.float32))
        distance = losses.pixel_distance(x, tf.zeros((1, 2, 2, 3)))
    assert np.abs(tape.gradient(loss, scores)).max() == 0.0
    assert np.isfinite(tape.gradient(distance, x)).all()


def test_networks_survive_saving(tmp_path):
    generator = build_style_generator(**_SMALL, content_size=6, style_size=4, warp=True)
    codes = [np.ones((2, 6), np.float32), np.ones((2, 4), np.float32)]
    generator.save(tmp_path / "g.keras")
    again = keras.models.load_model(tmp_path / "g.keras")
    np.testing.assert_array_equal(again(codes)[0], generator(codes)[0])


def test_sizes_that_cannot_be_halved_are_named():
    with pytest.raises(ValueError, match="multiple of 8"):
        build_content_encoder(image_size=20, filters=(3, 4, 6))
