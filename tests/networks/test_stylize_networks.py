"""Parameter counts, feature networks against their references, bilinear conventions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.resize import BilinearUpsampling
from ganime_tf.networks import animegan, features, squeezenet, vgg
from ganime_tf.networks.cartoongan import build_cartoon_generator, build_edge_discriminator
from ganime_tf.networks.features import load_features


def trainable(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (build_cartoon_generator, 11_129_667),
        (animegan.build_animegan_v1, 3_956_096),
        (animegan.build_animegan_v2, 2_143_552),
        (animegan.build_animegan_v2_lite, 698_240),
        (build_edge_discriminator, 1_128_800),
        (lambda: build_edge_discriminator(norm="layer", spectral=True), 1_128_800),
    ],
)
def test_parameter_counts_are_the_released_ones(build, count):
    assert trainable(build()) == count


@pytest.mark.parametrize(
    ("build", "stride"),
    [
        (lambda: build_cartoon_generator(filters=4, num_blocks=1), 4),
        (lambda: animegan.build_animegan_v1(filters=4, num_blocks=1), 4),
        (lambda: animegan.build_animegan_v2(filters=4), 4),
        (lambda: animegan.build_animegan_v2_lite(filters=4), 8),
    ],
)
def test_generators_keep_sizes_that_their_stride_divides(build, stride):
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3 * stride, 5 * stride, 3))
    out = build()(x.astype(np.float32))
    assert out.shape == x.shape and np.abs(out).max() <= 1.0


def test_discriminator_scores_patches_of_a_quarter_of_the_side():
    assert build_edge_discriminator(filters=4)(np.zeros((1, 32, 24, 3))).shape == (1, 8, 6, 1)


@pytest.mark.parametrize(("depth", "parameters"), [(16, 14_714_688), (19, 20_024_384)])
def test_vgg_equals_keras_applications(tmp_path, depth, parameters):
    # keras.applications' own graph with random weights, saved in its file format.
    build = getattr(keras.applications, f"VGG{depth}")
    theirs = build(include_top=False, weights=None, input_shape=(32, 32, 3))
    rng = np.random.default_rng(0)
    theirs.set_weights([0.05 * rng.normal(size=w.shape) for w in theirs.weights])
    path = tmp_path / "notop.weights.h5"
    write_legacy_h5(theirs, path)
    last = f"block5_relu{3 if depth == 16 else 4}"
    taps = ["block1_relu1", "block4_conv3", "block4_relu3", last]
    ours = vgg.build_vgg(taps, depth=depth)
    vgg.load_vgg_weights(ours, path)
    compared = ["block1_relu1", "block4_relu3", last]
    layers = [theirs.get_layer(tap.replace("relu", "conv")).output for tap in compared]
    x = rng.normal(size=(1, 32, 32, 3)).astype(np.float32)
    out = ours(x)
    for tap, value in zip(compared, keras.Model(theirs.inputs, layers)([x]), strict=True):
        np.testing.assert_allclose(out[tap], value, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(np.maximum(out["block4_conv3"], 0), out["block4_relu3"])
    assert np.min(out["block4_conv3"]) < 0
    assert ours.count_params() == parameters


def write_legacy_h5(model, path):
    """The layout of the files of keras.applications: a group a layer, names in an attribute."""
    import h5py

    with h5py.File(path, "w") as file:
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = []
            for weight in layer.weights:
                name = f"{layer.name}_{'W' if weight.name == 'kernel' else 'b'}_1:0"
                group.create_dataset(name, data=np.array(weight))
                names.append(name.encode())
            group.attrs["weight_names"] = names


def test_vgg_lists_what_a_file_lacks(tmp_path):
    write_legacy_h5(vgg.build_vgg(["block1_conv1"], filters=4), tmp_path / "small.h5")
    with pytest.raises(ValueError, match="2 missing: block1_conv2/bias.*shape: block1_conv1"):
        vgg.load_vgg_weights(vgg.build_vgg(["block1_conv2"]), tmp_path / "small.h5")


def test_vgg_input_equals_keras_applications_preprocessing():
    image = np.random.default_rng(0).integers(0, 256, (1, 4, 4, 3)).astype(np.float32)
    expected = keras.applications.vgg19.preprocess_input(image.copy())
    np.testing.assert_allclose(vgg.preprocess_vgg(image / 127.5 - 1.0), expected, atol=1e-4)


def test_unknown_taps_are_named():
    with pytest.raises(ValueError, match="block9_conv1"):
        vgg.build_vgg(["block9_conv1"])
    with pytest.raises(ValueError, match="fire99"):
        squeezenet.build_squeezenet(["fire99"])
    with pytest.raises(ValueError, match="must be one of"):
        load_features("resnet")


def test_squeezenet_gives_the_reference_logits(shared):
    network = squeezenet.build_squeezenet(["logits"])
    squeezenet.load_squeezenet_weights(network, shared / "weights/squeezenet1_1_imagenet.npz")
    reference = np.load(shared / "weights/squeezenet1_1_reference.npz")
    logits = network(reference["input"].transpose(0, 2, 3, 1))["logits"]
    np.testing.assert_allclose(logits, reference["logits"], atol=2e-4)


def test_random_features_are_the_same_every_time_and_need_no_file(monkeypatch):
    monkeypatch.setenv("GANIME_OFFLINE", "1")
    x = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)
    first, second = (load_features("random")(x)["block4_conv4"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (1, 2, 2, 64) and np.std(first) > 0


def test_missing_vgg_file_is_named(monkeypatch, tmp_path):
    for key in ("GANIME_OFFLINE", "GANIME_WEIGHTS", "GANIME_CACHE"):
        monkeypatch.setenv(key, str(tmp_path))
    with pytest.raises(FileNotFoundError, match="vgg19_weights.*80 MB.*GANIME_WEIGHTS"):
        load_features("vgg19")


def test_bilinear_modes_match_their_definitions():
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 2)).astype(np.float32)
    half = BilinearUpsampling("half_pixel")(x)
    np.testing.assert_allclose(half, tf.image.resize(x, (6, 8)), atol=1e-6)
    old = np.array(BilinearUpsampling("tf1")(x))
    np.testing.assert_allclose(old[:, ::2, ::2], x, atol=1e-6)
    np.testing.assert_allclose(old[:, 1, 0], (x[:, 0, 0] + x[:, 1, 0]) / 2, atol=1e-6)
    corners = np.array(BilinearUpsampling("align_corners")(x))
    np.testing.assert_allclose(corners[:, [0, 0, -1, -1], [0, -1, 0, -1]],
                               x[:, [0, 0, -1, -1], [0, -1, 0, -1]], atol=1e-6)  # fmt: skip
    with pytest.raises(ValueError, match="must be one of"):
        BilinearUpsampling("nearest")


@pytest.mark.parametrize(("kind", "tap"), [("vgg19", "block1_conv1"), ("vgg16", "block1_conv1"),
                                           ("squeezenet", "conv1")])  # fmt: skip
def test_networks_get_pictures_as_they_were_trained(kind, tap, monkeypatch):
    """Caffe's BGR minus its mean, or ImageNet's mean and deviation, by their published numbers."""
    monkeypatch.setattr(features, "find_weights", lambda *args, **kwargs: None)
    monkeypatch.setattr(features.vgg, "load_vgg_weights", lambda *args: None)
    monkeypatch.setattr(features.squeezenet, "load_squeezenet_weights", lambda *args: None)
    levels = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).astype(np.float32)
    if kind == "squeezenet":
        fed = (levels / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    else:
        fed = levels[..., ::-1] - (103.939, 116.779, 123.68)
    extractor = load_features(kind, [tap])
    expected = extractor.network(fed.astype(np.float32))[tap]
    found = extractor(levels / 127.5 - 1.0)[tap]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
