"""The released layouts of CycleGAN and U-GAT-IT -> the same pictures, scores and heat maps."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ganime_tf.convert import cyclegan, ugatit


@pytest.fixture(scope="module")
def theirs():
    torch = pytest.importorskip("torch")
    path = Path(__file__).parents[2] / "benchmarks" / "torch_unpaired.py"
    spec = importlib.util.spec_from_file_location("torch_unpaired", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return module


def _picture(size=32):
    return np.random.default_rng(0).uniform(-1, 1, (2, size, size, 3)).astype("float32")


def _nhwc(tensor):
    array = tensor.detach().numpy()
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


@pytest.mark.parity
def test_converted_cyclegan_gives_the_same_pictures_both_ways(theirs, tmp_path):
    torch = theirs.torch
    nets = [theirs.ResNet(8, 3), theirs.ResNet(8, 3), theirs.PatchGAN(8, 2)]
    names = ["latest_net_G_A.pth", "latest_net_G_B.pth", "latest_net_D_A.pth"]
    for net, name in zip(nets, names, strict=True):
        for parameter in net.parameters():
            parameter.data *= 2.0
        torch.save(net.state_dict(), tmp_path / name)
    model = cyclegan.convert(
        [tmp_path / name for name in reversed(names)], image_size=64, load_size=64
    )
    assert (model.config.filters, model.config.num_blocks) == (8, 3)
    x = _picture()
    inputs = torch.tensor(x.transpose(0, 3, 1, 2))
    for ours, net in ((model.generator_a2b, nets[0]), (model.generator_b2a, nets[1])):
        np.testing.assert_allclose(ours(x), _nhwc(net(inputs)), atol=1e-4)
    np.testing.assert_allclose(model.discriminator_b(x), _nhwc(nets[2](inputs)), atol=1e-4)


@pytest.mark.parity
@pytest.mark.parametrize("light", [True, False])
def test_converted_ugatit_gives_the_same_outputs_of_all_networks(theirs, tmp_path, light):
    torch = theirs.torch
    their = theirs.UGATIT(8, 2, 32, light, global_layers=5, local_layers=4)
    for net in their.networks.values():
        net.eval()
        for parameter in net.parameters():
            parameter.data += 0.1 * torch.rand_like(parameter)
    torch.save({k: n.state_dict() for k, n in their.networks.items()}, tmp_path / "params.pt")
    model = ugatit.convert([tmp_path / "params.pt"], image_size=32, load_size=32)
    config = model.config
    assert (config.light, config.num_blocks, config.global_layers) == (light, 2, 5)
    x = _picture()
    inputs = torch.tensor(x.transpose(0, 3, 1, 2))
    for name, attribute in ugatit.NETWORKS.items():
        for ours, expected in zip(
            getattr(model, attribute)(x), their.networks[name](inputs), strict=True
        ):
            expected = _nhwc(expected)
            limit = 1e-4 * max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(ours, expected, atol=limit, err_msg=name)


def test_what_does_not_fit_is_listed():
    from ganime_tf.networks.resnet import build_resnet

    network = build_resnet(num_blocks=1, filters=2)
    state = {
        key: np.zeros(tuple(np.array(v.shape)[[3, 2, 0, 1]]) if v.ndim == 4 else v.shape)
        for key, v in cyclegan.variables_of(network).items()
    }
    state["model.99.running_mean"] = np.zeros(2)  # old files have these; they are dropped
    cyclegan.apply_state_dict(network, state)
    state["model.1.extra"] = state.pop("model.1.bias")
    with pytest.raises(ValueError, match="1 missing: model.1.bias; 1 unknown: model.1.extra"):
        cyclegan.apply_state_dict(network, state)


def test_absent_files_raise(tmp_path):
    with pytest.raises(FileNotFoundError, match="params.pt"):
        ugatit.convert([tmp_path / "params.pt"])
    with pytest.raises(FileNotFoundError, match="G_A"):
        cyclegan.convert([tmp_path / "latest_net_G_A.pth"])
