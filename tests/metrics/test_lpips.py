import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.metrics.lpips import LPIPS, load_lpips
from ganime_tf.networks.lpips import SCALE, SHIFT, assign_lpips, build_lpips, load_lpips_network
from ganime_tf.weights import KNOWN, WeightFile, read_tensors

WIDTHS = {
    "alex": [64, 192, 384, 256, 256],
    "squeeze": [64, 128, 256, 384, 384, 512, 512],
    "vgg": [64, 128, 256, 512, 512],
}


def made_lpips(network, backbone, heads):
    model = build_lpips(network)
    assign_lpips(model, network, backbone, heads)
    return LPIPS(network, model)


@pytest.fixture(scope="module")
def metrics(made):
    heads = {name: made.lpips_heads(widths) for name, widths in WIDTHS.items()}
    return {name: made_lpips(name, made.lpips_state(name), heads[name]) for name in WIDTHS}


@pytest.mark.parametrize("network", WIDTHS)
def test_distance_matches_the_lpips_package(network, metrics, made, golden):
    a, b = made.pictures(5, 2, 66, 71), made.pictures(6, 2, 66, 71)
    found = metrics[network](a, b)
    np.testing.assert_allclose(found, golden[f"lpips_{network}_made"], rtol=1e-5)
    np.testing.assert_allclose(metrics[network](b, a), found, rtol=1e-5)
    np.testing.assert_array_equal(metrics[network](a, a), 0)


@pytest.mark.parametrize("network", WIDTHS)
def test_published_heads_match_the_lpips_package(network, made, golden, shared):
    heads = read_tensors(shared / "weights" / "lpips_v0.1" / f"{network}.pth")
    metric = made_lpips(network, made.lpips_state(network), heads)
    a, b = made.pictures(5, 2, 66, 71), made.pictures(6, 2, 66, 71)
    np.testing.assert_allclose(metric(a, b), golden[f"lpips_{network}"], atol=1e-5)


def squeezenet(shared) -> dict[str, np.ndarray]:
    """The real SqueezeNet 1.1 under torchvision's names."""
    with np.load(shared / "weights" / "squeezenet1_1_imagenet.npz") as file:
        return dict(file)


def test_real_pictures_are_ordered_as_people_see_them(shared):
    """The LPIPS authors' example: picture 1 is closer to the reference than picture 0."""
    from ganime_tf.data.io import read_image

    folder = shared / "weights" / "lpips_v0.1"
    metric = made_lpips("squeeze", squeezenet(shared), read_tensors(folder / "squeeze.pth"))
    reference, far, near = (read_image(folder / f"ex_{n}.png")[None] for n in ("ref", "p0", "p1"))
    assert metric(reference, near)[0] < metric(reference, far)[0]


def mxnet_names(state):
    """Numbers the convolutions in the order of the graph."""
    order = [0, *(f"{i}.{part}" for i in (3, 4, 6, 7, 9, 10, 11, 12)
                  for part in ("squeeze", "expand1x1", "expand3x3"))]  # fmt: skip
    return {
        f"squeezenet0_conv{index}_{part}": state[f"features.{name}.{part}"]
        for index, name in enumerate(order)
        for part in ("weight", "bias")
    }


def test_a_squeezenet_with_mxnets_names_serves_and_is_noted(made, metrics, tmp_path, monkeypatch):
    a, b = made.pictures(5, 2, 66, 71), made.pictures(6, 2, 66, 71)
    np.savez(tmp_path / "squeezenet1_1_imagenet.npz", **mxnet_names(made.lpips_state("squeeze")))
    heads = made.lpips_heads(WIDTHS["squeeze"])
    monkeypatch.setenv("GANIME_WEIGHTS", str(tmp_path))
    monkeypatch.setitem(KNOWN, "lpips-squeeze", (WeightFile("heads.pth", "small"),))
    monkeypatch.setattr(
        "ganime_tf.networks.lpips.read_tensors",
        lambda path: heads if path.name == "heads.pth" else read_tensors(path),
    )
    (tmp_path / "heads.pth").touch()
    load_lpips.cache_clear()
    load_lpips_network.cache_clear()
    metric = load_lpips("squeeze")
    load_lpips.cache_clear()
    load_lpips_network.cache_clear()
    np.testing.assert_array_equal(metric(a, b), metrics["squeeze"](a, b))
    assert "not torchvision's" in metric.note and not metrics["squeeze"].note


def test_float_distance_is_differentiable_and_the_same(metrics, made):
    a, b = (made.pictures(s, 1, 32, 32) for s in (5, 6))
    x, y = (tf.constant(v, tf.float32) / 127.5 - 1.0 for v in (a, b))
    with tf.GradientTape() as tape:
        tape.watch(x)
        distance = metrics["squeeze"].distance(x, y)
    assert np.abs(tape.gradient(distance, x)).max() > 0
    np.testing.assert_allclose(distance, metrics["squeeze"](a, b), rtol=1e-5)


def test_inputs_are_standardised_with_imagenets_moments():
    grey = (np.array([0.485, 0.456, 0.406]) * 2 - 1 - np.array(SHIFT)) / np.array(SCALE)
    np.testing.assert_allclose(grey, 0, atol=1e-6)


def test_bad_input_is_named(metrics, made):
    with pytest.raises(ValueError, match="at least 31x31.*30x40"):
        metrics["alex"](*[made.pictures(1, 1, 30, 40)] * 2)
    with pytest.raises(ValueError, match="5 missing: lin0"):
        made_lpips("alex", made.lpips_state("alex"), {})
    with pytest.raises(ValueError, match=r"features\.10\.squeeze"):
        made_lpips("squeeze", made.lpips_state("alex"), made.lpips_heads(WIDTHS["squeeze"]))
    with pytest.raises(FileNotFoundError, match=r"lpips_v0.1/alex.pth.*sha256:df73285e"):
        load_lpips("alex")
