import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.metrics import extractors, features, resizing
from ganime_tf.networks import inception, inception_weights
from ganime_tf.weights import read_tensors

GOLDEN_FOLDER = Path(__file__).resolve().parents[1] / "golden"


def shapes():
    """Shapes of all weights of the 2015 network by PyTorch name."""
    network = inception.build_inception(2048)
    found = {}
    for _, module in inception_weights.graph_names():
        height, width, fan, out = network.get_layer(module.replace(".", "_")).kernel.shape
        found[f"{module}.conv.weight"] = (out, fan, height, width)
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{module}.bn.{part}"] = (out,)
    return found


@pytest.fixture(scope="module")
def state(made):
    return made.random_state(shapes())


@pytest.fixture(scope="module")
def weights_file(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "inception.npz"
    np.savez(path, **state)
    return path


def graph(state) -> bytes:
    """The weights as a frozen TensorFlow graph with the names of 2015."""
    definition = tf.compat.v1.GraphDef()
    parts = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean"}
    parts |= {"moving_variance": "running_var"}
    for scope, module in inception_weights.graph_names():
        kernel = state[f"{module}.conv.weight"].transpose(2, 3, 1, 0)
        arrays = {"conv2d_params": kernel}
        arrays |= {f"batchnorm/{k}": state[f"{module}.bn.{v}"] for k, v in parts.items()}
        for name, array in arrays.items():
            node = definition.node.add(name=f"{scope}/{name}", op="Const")
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    return definition.SerializeToString()


@pytest.mark.parametrize("dims", inception.FEATURES)
def test_features_match_pytorch_fid(dims, state, made, golden):
    network = inception.build_inception(dims)
    inception_weights.load(network, state)
    resize, scale, _ = features._RESIZE["pytorch"]
    run = extractors.pipeline(network, resize, scale)
    images = made.pictures(1, 2, 48, 64)
    expected = golden[f"inception_{dims}"]
    np.testing.assert_allclose(run(images), expected, atol=1e-5 * np.abs(expected).max())
    if dims == 192:  # one picture at a time gives the same features
        single = np.concatenate([run(images[:1]), run(images[1:])])
        np.testing.assert_allclose(single, run(images), atol=1e-5)


def test_the_graph_has_94_convolutions_with_the_names_of_2015():
    names = dict(inception_weights.graph_names())
    assert len(names) == len(set(names.values())) == 94
    assert names["conv_4"] == "Conv2d_4a_3x3"
    assert names["mixed_2/tower_1/conv_2"] == "Mixed_5d.branch3x3dbl_3"
    assert names["mixed_3/conv"] == "Mixed_6a.branch3x3"
    assert names["mixed_8/tower_1/conv_3"] == "Mixed_7a.branch7x7x3_4"
    assert names["mixed_10/tower_1/mixed/conv_1"] == "Mixed_7c.branch3x3dbl_3b"


def test_frozen_graph_and_archive_are_read(state, tmp_path):
    content = graph(state)
    (tmp_path / "classify_image_graph_def.pb").write_bytes(content)
    with tarfile.open(tmp_path / "inception-2015-12-05.tgz", "w:gz", compresslevel=0) as archive:
        member = tarfile.TarInfo("classify_image_graph_def.pb")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    for name in ("classify_image_graph_def.pb", "inception-2015-12-05.tgz"):
        arrays = inception_weights.read_weights(tmp_path / name)
        assert arrays.keys() == state.keys()
        assert all((arrays[key] == state[key]).all() for key in state)


def test_conversion_is_kept_under_the_hash_and_redone_when_damaged(weights_file, state, tmp_path):
    inception_weights.read_cached(weights_file)
    (copy,) = (tmp_path / "cache").iterdir()
    assert inception_weights.file_digest(weights_file)[:16] in copy.name
    copy.write_bytes(b"torn")
    arrays = inception_weights.read_cached(weights_file)
    assert (arrays["Conv2d_1a_3x3.bn.bias"] == state["Conv2d_1a_3x3.bn.bias"]).all()
    assert copy.stat().st_size > 1000


def test_incomplete_or_damaged_weights_are_named(tmp_path):
    np.savez(tmp_path / "part.npz", other=np.zeros(1))
    with pytest.raises(ValueError, match="lacks 470 of 470.*Conv2d_1a_3x3.*holds other"):
        inception_weights.read_weights(tmp_path / "part.npz")
    for name in ("bad.pb", "bad.tgz", "bad.pth"):
        (tmp_path / name).write_bytes(b"\x0anothing of the kind")
        with pytest.raises(ValueError, match=name):
            inception_weights.read_weights(tmp_path / name)


@pytest.mark.parametrize("name", ["zip", "legacy", "script"])
def test_torch_files_are_read_without_torch(name, made):
    arrays = read_tensors(GOLDEN_FOLDER / f"metric_{name}.pth")
    weight = np.arange(24.0).reshape(3, 2, 2, 2)[..., ::-1].transpose(0, 1, 3, 2)
    np.testing.assert_array_equal(arrays["0.weight"], weight)
    np.testing.assert_array_equal(arrays["0.bias"], 100 + np.arange(3.0))
    np.testing.assert_array_equal(arrays["1.running_var"], 500 + np.arange(3.0))
    assert arrays["1.num_batches_tracked"] == 600


def test_torch_files_that_would_run_code_are_refused(tmp_path):
    import os
    import pickle

    class Hostile:
        def __reduce__(self):
            return os.system, ("touch " + str(tmp_path / "ran"),)

    (tmp_path / "hostile.pth").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(ValueError, match="system"):
        read_tensors(tmp_path / "hostile.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("side", "size"), [(40, 19), (20, 23)])
def test_resizers_match_pillow_and_torch(side, size, made, golden):
    image = made.pictures(10, 1, side, side)
    clean = resizing.pil_bicubic(image, size)[0]
    np.testing.assert_allclose(clean, golden[f"clean_{side}"], atol=2e-4)
    np.testing.assert_allclose(
        resizing.bilinear(image, size)[0], golden[f"torch_{side}"], atol=1e-3
    )


def test_pillow_agrees_at_the_size_of_inception(made):
    from PIL import Image

    image = made.pictures(11, 1, 64, 400)
    channels = [Image.fromarray(image[0, ..., c].astype(np.float32), "F") for c in range(3)]
    resized = [c.resize((299, 299), Image.Resampling.BICUBIC) for c in channels]
    expected = np.clip(np.stack([np.asarray(c) for c in resized], -1), 0, 255)
    np.testing.assert_allclose(resizing.pil_bicubic(image)[0], expected, atol=5e-4)


def test_the_legacy_resizer_reads_without_half_pixels():
    image = np.arange(4, dtype=np.uint8).reshape(1, 1, 4, 1).repeat(4, 1).repeat(3, -1) * 60
    np.testing.assert_array_equal(resizing.legacy_bilinear(image, 2)[0, 0, :, 0], [0, 120])
    np.testing.assert_array_equal(resizing.bilinear(image, 2)[0, 0, :, 0], [30, 150])


@pytest.fixture
def loaded(weights_file, monkeypatch):
    """Extractors on the made weights."""
    monkeypatch.setattr("ganime_tf.weights.find_weights", lambda name, **_: weights_file)
    features.load_extractor.cache_clear()
    yield features.load_extractor
    features.load_extractor.cache_clear()


def test_protocols_differ(loaded, made):
    images = made.pictures(12, 1, 80, 80)
    found = {p: loaded(f"{p}_64")(images) for p in ("pytorch", "tf", "clean")}
    assert np.abs(found["pytorch"] - found["tf"]).max() > 1e-3
    assert np.abs(found["pytorch"] - found["clean"]).max() > 1e-3
    assert loaded("clean_64").dim == 64 and "clean-fid" in loaded("clean_64").protocol


@pytest.mark.slow
def test_bfloat16_is_close_and_has_its_own_cache_entry(loaded, made):
    images = made.pictures(12, 1, 80, 80)
    half, full = loaded("pytorch_64", "bfloat16"), loaded("pytorch_64")
    assert half.fingerprint != full.fingerprint and "bfloat16" in half.protocol
    np.testing.assert_allclose(half(images), full(images), rtol=0.05, atol=0.05)


@pytest.mark.slow
def test_ganimes_protocol_is_keras_own_network_at_256(monkeypatch, tmp_path, made):
    import h5py
    import keras
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    network = keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=(256, 256, 3), pooling="avg"
    )
    path = tmp_path / "inception_v3_notop.h5"
    with h5py.File(path, "w") as file:  # the published file has Keras' older layout
        save_weights_to_hdf5_group(file, network)
    monkeypatch.setattr("ganime_tf.weights.find_weights", lambda name, **_: path)
    features.load_extractor.cache_clear()
    extractor = features.load_extractor("ganime")
    features.load_extractor.cache_clear()
    images = made.pictures(1, 1, 256, 256)
    prepared = keras.applications.inception_v3.preprocess_input(images.astype(np.float32))
    expected = network(prepared, training=False)
    np.testing.assert_allclose(extractor(images), expected, atol=1e-4)
    assert "not comparable" in extractor.note


def test_unknown_protocols_are_refused():
    with pytest.raises(ValueError, match="no feature protocol 'clean_100'"):
        features.load_extractor("clean_100")
    with pytest.raises(ValueError, match="bfloat16"):
        features.load_extractor("clean", "float16")
    with pytest.raises(ValueError, match="`dims`"):
        inception.build_inception(100)
