"""The authors' checkpoint layout -> Pix2Pix: same pictures, and nothing left out in silence."""

import importlib.util
import logging
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.convert.pix2pix import apply_state_dict, convert
from ganime_tf.networks.patchgan import build_patchgan
from ganime_tf.networks.unet import build_unet
from ganime_tf.weights import read_state


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def theirs(torch):
    """benchmarks/torch_pix2pix.py: the networks with the authors' nesting and keys."""
    path = Path(__file__).parents[2] / "benchmarks" / "torch_pix2pix.py"
    spec = importlib.util.spec_from_file_location("torch_pix2pix", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.set_num_threads(1)
    return module


def _randomise(torch, net, seed):
    """Weights of unit gain, and moving statistics that are not 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in net.state_dict().items():
        if not value.is_floating_point():
            continue
        noise = torch.randn(value.shape, generator=generator)
        if value.ndim == 4:
            inputs = value.shape[1:] if isinstance(_owner(net, name), torch.nn.Conv2d) else 4
            count = np.prod(inputs) if not isinstance(inputs, int) else 4 * value.shape[0]
            noise = noise / float(count) ** 0.5
        elif name.endswith("running_var") or isinstance(_owner(net, name), torch.nn.BatchNorm2d):
            noise = 1.0 + 0.2 * noise.tanh() if not name.endswith(("bias", "mean")) else 0.2 * noise
        else:
            noise = 0.2 * noise
        value.copy_(noise)
    return net


def _owner(net, name):
    return net.get_submodule(name.rpartition(".")[0])


def _difference(ours, theirs, torch, *inputs, training=False):
    arrays = [np.random.default_rng(i).uniform(-1, 1, s).astype("float32") for i, s in inputs]
    with torch.no_grad():
        want = theirs(torch.cat([torch.tensor(x.transpose(0, 3, 1, 2)) for x in arrays], 1))
    tensors = [tf.constant(x) for x in arrays]
    got = ours(tensors if len(tensors) > 1 else tensors[0], training=training)
    want = want.numpy().transpose(0, 2, 3, 1)
    assert np.std(want) > 0.05
    return np.abs(got.numpy() - want).max()


@pytest.mark.parity
@pytest.mark.parametrize("levels, size", [(8, 256), (7, 128)])
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_converted_unet_gives_the_same_pictures(torch, theirs, tmp_path, levels, size, norm):
    net = _randomise(torch, theirs.UNet(levels=levels, filters=8, norm=norm), levels)
    torch.save(net.state_dict(), tmp_path / "latest_net_G.pth")
    model = convert([tmp_path / "latest_net_G.pth"])
    assert (model.config.image_size, model.config.levels) == (size, levels)
    assert (model.config.filters, model.config.norm) == (8, norm)
    inputs = (0, (1, size, size, 3))
    assert _difference(model.generator, net.eval(), torch, inputs) < 1e-4
    if norm == "batch":  # the authors test with batch statistics: dropout is absent in both here
        net.train()
        for module in net.modules():
            if isinstance(module, torch.nn.Dropout):
                module.eval()
        plain = convert([tmp_path / "latest_net_G.pth"], dropout=0.0)
        assert _difference(plain.generator, net, torch, inputs, training=True) < 1e-4


@pytest.mark.parity
@pytest.mark.parametrize("num_layers, patch_size", [(1, 16), (3, 70), (5, 286)])
@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_converted_discriminator_gives_the_same_scores(
    torch, theirs, tmp_path, num_layers, patch_size, norm
):
    unet = theirs.UNet(levels=7, filters=4, norm=norm)
    net = _randomise(torch, theirs.PatchGAN(filters=4, num_layers=num_layers, norm=norm), 3)
    # DataParallel saves with a prefix; the order of the files does not matter.
    torch.save({f"module.{k}": v for k, v in net.state_dict().items()}, tmp_path / "D.pth")
    torch.save({f"module.{k}": v for k, v in unet.state_dict().items()}, tmp_path / "G.pth")
    model = convert([tmp_path / "D.pth", tmp_path / "G.pth"])
    assert model.config.patch_size == patch_size
    inputs = (0, (2, 128, 128, 3)), (1, (2, 128, 128, 3))
    assert _difference(model.discriminator, net.eval(), torch, *inputs) < 1e-4


@pytest.mark.parity
def test_full_size_networks_have_the_published_counts(torch, theirs):
    def count(net):
        return sum(p.numel() for p in net.parameters())

    with torch.device("meta"):
        assert count(theirs.UNet()) == 54_413_955
        assert count(theirs.UNet(norm="instance")) == 54_409_603
        assert count(theirs.UNet(levels=7)) == 41_828_995
        assert count(theirs.PatchGAN()) == 2_768_705


@pytest.mark.parity
def test_files_that_are_no_pix2pix_checkpoint_are_refused(torch, theirs, tmp_path):
    path = tmp_path / "x.pth"
    with pytest.raises(FileNotFoundError, match="x.pth"):
        convert([path])
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="plain tensors"):
        convert([path])
    torch.save(torch.nn.Conv2d(1, 1, 1), path)  # a pickled module: code, not tensors
    with pytest.raises(ValueError, match="plain tensors"):
        convert([path])
    torch.save({"epoch": 3}, path)
    with pytest.raises(ValueError, match="state_dict"):
        convert([path])
    torch.save({"model.1.weight": torch.zeros(4, 3, 7, 7)}, path)
    with pytest.raises(ValueError, match="CycleGAN's ResNet"):
        convert([path])
    torch.save(theirs.PatchGAN(filters=2).state_dict(), path)
    with pytest.raises(ValueError, match="one generator"):
        convert([path])
    torch.save(theirs.UNet(levels=5, filters=2, channels=(1, 3)).state_dict(), path)
    with pytest.raises(ValueError, match="1 channels to 3"):
        convert([path])


@pytest.mark.parity
def test_half_precision_checkpoints_become_float32(torch, theirs, tmp_path):
    state = theirs.UNet(levels=5, filters=2).half().state_dict()
    torch.save(state, tmp_path / "G.pth")
    arrays = read_state(tmp_path / "G.pth")
    assert {str(a.dtype) for a in arrays.values()} == {"float32", "int64"}


# ------------------------------------------------------------------ without PyTorch


def _state(network, prefix):
    """A checkpoint-shaped state for a 2-level-deep check: read off the network by hand."""
    kernel = {f"{prefix}.0": "conv0", f"{prefix}.2": "conv1", f"{prefix}.5": "conv2"}
    state = {}
    for key, layer in kernel.items():
        layer = network.get_layer(layer)
        rng = np.random.default_rng(len(state))
        h, w, i, o = layer.kernel.shape
        state[f"{key}.weight"] = rng.normal(size=(o, i, h, w)).astype("float32")
        if layer.use_bias:
            state[f"{key}.bias"] = rng.normal(size=o).astype("float32")
    channels = network.get_layer("norm1").gamma.shape[0]
    for suffix in ("weight", "bias", "running_mean", "running_var"):
        state[f"{prefix}.3.{suffix}"] = np.full(channels, 0.5, "float32")
    state[f"{prefix}.3.num_batches_tracked"] = np.array(7)
    return state


@pytest.mark.parametrize("patch_size, prefix", [(16, "model"), (1, "net")])
def test_two_layer_discriminators_take_their_own_prefix(patch_size, prefix):
    network = build_patchgan(patch_size=patch_size, filters=2)
    state = _state(network, prefix)
    apply_state_dict(network, state)
    kernel = network.get_layer("conv1").kernel.numpy()
    np.testing.assert_array_equal(kernel.transpose(3, 2, 0, 1), state[f"{prefix}.2.weight"])
    np.testing.assert_array_equal(network.get_layer("norm1").moving_mean.numpy(), 0.5)


def test_every_misfit_is_listed_and_nothing_is_assigned():
    network = build_patchgan(patch_size=16, filters=2)
    before = network.get_weights()
    state = _state(network, "model")
    del state["model.0.bias"]
    state["model.9.weight"] = np.zeros(3)
    state["model.3.extra"] = np.zeros(3)
    state["model.2.weight"] = np.zeros((4, 2, 3, 3))
    with pytest.raises(ValueError) as error:
        apply_state_dict(network, state)
    for text in (
        "1 missing: model.0.bias",
        "2 unknown: model.3.extra, model.9.weight",
        "1 of another shape: model.2.weight (4, 2, 3, 3), here (3, 3, 2, 4), expected (4, 4, 2, 4)",
    ):
        assert text in str(error.value)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("overrides", [{"family": "ganime"}, {"upsample": "resize"}])
def test_other_unets_refuse_the_authors_weights(overrides):
    source = build_unet(levels=5, filters=2)
    state = _unet_state(source, 5)
    apply_state_dict(source, state)  # fits its own network
    with pytest.raises(ValueError, match="missing|another shape"):
        apply_state_dict(build_unet(levels=5, filters=2, **overrides), state)


def test_statistics_of_old_instance_norm_checkpoints_are_reported(caplog):
    network = build_unet(levels=5, filters=2, norm="instance")
    state = _unet_state(network, 5)
    old = "model.model.1.model.2.running_mean"
    with caplog.at_level(logging.INFO, logger="ganime_tf.convert.pix2pix"):
        apply_state_dict(network, {**state, old: np.zeros(4)})
    assert old in caplog.text
    with pytest.raises(ValueError, match="1 unknown: model.model.1.model.1.running_mean"):
        apply_state_dict(network, {**state, "model.model.1.model.1.running_mean": np.zeros(4)})


def _unet_state(network, levels):
    """Every tensor of a U-Net under the authors' key, written out from the nesting."""
    state = {}
    for level in range(levels):
        prefix = "model.model" if level == 0 else "model.model.1" + ".model.3" * (level - 1)
        inner = level == levels - 1
        if level == 0:
            places = {"down0": ".0", "up0": ".3"}
        elif inner:
            places = {f"down{level}": ".model.1", f"up{level}": ".model.3"}
        else:
            places = {f"down{level}": ".model.1", f"up{level}": ".model.5"}
        for layer, place in places.items():
            layer = network.get_layer(layer)
            state[f"{prefix}{place}.weight"] = layer.kernel.numpy().transpose(3, 2, 0, 1)
            if layer.use_bias:
                state[f"{prefix}{place}.bias"] = layer.bias.numpy()
        norms = {f"down{level}_norm": ".model.2"} if 0 < level and not inner else {}
        norms.update({f"up{level}_norm": ".model.4" if inner else ".model.6"} if level else {})
        for name, place in norms.items():
            for variable in network.get_layer(name).weights:
                suffix = {
                    "gamma": "weight",
                    "beta": "bias",
                    "moving_mean": "running_mean",
                    "moving_variance": "running_var",
                }[variable.name]
                state[f"{prefix}{place}.{suffix}"] = variable.numpy()
    return state


def test_a_discriminator_of_another_width_is_refused_with_both(monkeypatch):
    made = {
        "G.pth": {
            "model.model.0.weight": np.zeros((8, 3, 4, 4), "float32"),
            "model.model.3.weight": np.zeros((16, 3, 4, 4), "float32"),
        },
        "D.pth": {
            "model.0.weight": np.zeros((4, 6, 4, 4), "float32"),
            "model.11.weight": np.zeros((1, 32, 4, 4), "float32"),
        },
    }
    monkeypatch.setattr("ganime_tf.convert.pix2pix.read_state", lambda path: made[path.name])
    with pytest.raises(ValueError, match="--ndf 4 .* --ngf 8.* Leave the discriminator out"):
        convert([Path("G.pth"), Path("D.pth")])
