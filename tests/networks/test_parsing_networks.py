"""BiSeNet, DANet and the heads beside them: counts, the releases' own numbers, behaviour."""

import keras
import numpy as np
import pytest

from ganime_tf.layers.segmentation import ChannelAttention, PositionAttention, ResizeLike
from ganime_tf.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, add_resnet, imagenet_input
from ganime_tf.networks.bisenet import build_bisenet
from ganime_tf.networks.danet import add_danet_head, build_danet

try:
    import torch
except ImportError:  # the comparisons with PyTorch are skipped, the others run
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")


_BN = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
       "moving_variance": "running_var"}  # fmt: skip


def _torch_names(model) -> dict:
    """Names of the PyTorch releases -> Keras variables."""
    names = {}
    for variable in model.variables:
        *module, kind = variable.path.split("/")
        if kind in ("seed_generator_state",):
            continue
        module = ".".join(module)
        if not module.endswith((".sa", ".sc")) and module not in ("sa", "sc"):  # their own gamma
            kind = {"kernel": "weight", **_BN}.get(kind, kind)
        names[f"{module}.{kind}"] = variable
    return names


def _assign(variable, value):
    value = np.asarray(value, np.float32)
    variable.assign(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value)


def _count(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(("classes", "count"), [(19, 13_300_416), (17, 13_299_648)])
def test_bisenet_has_the_released_count(classes, count):
    assert _count(build_bisenet(num_classes=classes)) == count


@pytest.mark.parametrize(
    ("depth", "deep_stem", "count"),
    [(50, False, 23_508_032), (50, True, 23_631_808), (101, False, 42_500_160)],
)
def test_dilated_resnets_have_the_released_counts(depth, deep_stem, count):
    image = keras.Input((None, None, 3))
    stages = add_resnet(image, depth=depth, deep_stem=deep_stem, dilated=True)
    assert _count(keras.Model(image, stages[-1])) == count


@pytest.mark.parametrize(
    ("head", "auxiliary", "count"),
    [
        ("danet", False, 23_951_541),
        ("fcn", False, 9_446_929),
        ("fcn", True, 9_446_929 + 2_364_177),
        ("deeplabv3", False, 16_129_809),
    ],
)
def test_heads_have_the_released_counts(head, auxiliary, count):
    model = build_danet(head=head, depth=50, auxiliary=auxiliary)
    assert _count(model) == count + 23_508_032
    assert len(model.outputs) == {"danet": 3}.get(head, 1) + auxiliary


def test_bisenet_equals_the_release(shared):
    golden = np.load(shared / "facts" / "golden_parsing.npz")
    model = build_bisenet(num_classes=19, normalize=False)
    random = np.random.RandomState(0)
    for name, variable in sorted(_torch_names(model).items()):
        shape = variable.shape
        if len(shape) == 4:
            shape = (shape[3], shape[2], shape[0], shape[1])
        value = random.randn(*shape)
        if len(shape) == 4:
            value = value / np.sqrt(np.prod(shape[1:]))
        elif name.endswith("weight"):
            value = 1 + 0.1 * value
        elif name.endswith("running_var"):
            value = 1 + 0.2 * np.abs(value)
        else:
            value = 0.1 * value
        _assign(variable, value)
    x = golden["bisenet_x"].astype(np.float32).transpose(0, 2, 3, 1)
    for index, out in enumerate(model(x, training=False)):
        ours = np.asarray(out)[0, ::16, ::16].transpose(2, 0, 1)
        np.testing.assert_allclose(ours, golden[f"bisenet_out{index}"], atol=1e-4, rtol=1e-4)


def _danet_head(golden):
    """The head of the golden file, 32 to 8 channels, with its weights."""
    features = keras.Input((None, None, 32))
    head = keras.Model(features, add_danet_head(features, 5, prefix=""))
    names, start = _torch_names(head), 0
    for key in golden["danet.keys"]:
        name, _, shape = str(key).partition(" ")
        shape = tuple(int(part) for part in shape.strip("()").split(",") if part.strip())
        size = int(np.prod(shape))
        value = golden["danet.flat"][start : start + size].reshape(shape)
        start += size
        _assign(names.pop(name), value)
    assert not names
    return head


def test_danet_head_equals_the_release(shared):
    golden = np.load(shared / "facts" / "golden_parsing.npz")
    x = golden["danet_x"].astype(np.float32).transpose(0, 2, 3, 1)
    for index, out in enumerate(_danet_head(golden)(x, training=False)):
        ours = np.asarray(out).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(ours, golden[f"danet_out{index}"], atol=1e-4, rtol=1e-4)


if torch is not None:
    from torch import nn

    class _Bottleneck(nn.Module):
        """An independent reading of the dilated bottleneck."""

        def __init__(self, inside, width, stride, dilation, down):
            super().__init__()
            self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
            self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
            for index, count in ((1, width), (2, width), (3, 4 * width)):
                setattr(self, f"bn{index}", nn.BatchNorm2d(count))
            self.downsample = down and nn.Sequential(
                nn.Conv2d(inside, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

        def forward(self, x):
            y = torch.relu(self.bn1(self.conv1(x)))
            y = torch.relu(self.bn2(self.conv2(y)))
            y = self.bn3(self.conv3(y))
            return torch.relu(y + (self.downsample(x) if self.downsample else x))

    class _Backbone(nn.Module):
        def __init__(self, width, multi_grid):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
            inside = width
            rates = [(1, 1), (1, 1), (1, 2), (2, 4)]
            for stage, (count, stride) in enumerate(((3, 1), (4, 2), (6, 1), (3, 1))):
                blocks, inner = [], width * 2**stage
                for index in range(count):
                    rate = rates[stage][0 if index == 0 else 1]
                    if stage == 3 and multi_grid:
                        rate = multi_grid[index]
                    blocks.append(
                        _Bottleneck(inside, inner, stride if index == 0 else 1, rate, index == 0)
                    )
                    inside = 4 * inner
                setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))

        def forward(self, x):
            x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
            return self.layer4(self.layer3(self.layer2(self.layer1(x))))


@needs_torch
@pytest.mark.parametrize("multi_grid", [None, (4, 8, 16)])
def test_dilated_resnet_equals_a_pytorch_twin(multi_grid):
    torch.manual_seed(0)
    twin = _Backbone(4, multi_grid).eval()
    image = keras.Input((None, None, 3))
    ours = keras.Model(
        image, add_resnet(image, depth=50, filters=4, dilated=True, multi_grid=multi_grid)[-1]
    )
    state = twin.state_dict()
    for name, variable in _torch_names(ours).items():
        if name.endswith("running_mean"):
            state[name] += 0.1 * torch.randn_like(state[name])
        _assign(variable, state[name].numpy())
    twin.load_state_dict(state)
    x = np.random.default_rng(0).normal(size=(2, 40, 56, 3)).astype(np.float32)
    with torch.no_grad():
        expected = twin(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    assert expected.shape == (2, 5, 7, 128)
    np.testing.assert_allclose(ours(x, training=False), expected, atol=1e-4, rtol=1e-4)


@needs_torch
def test_resizing_puts_corners_on_corners():
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 4)).astype(np.float32)
    ours = ResizeLike()(x, np.zeros((2, 11, 7, 1), np.float32))
    theirs = nn.functional.interpolate(
        torch.from_numpy(x.transpose(0, 3, 1, 2)), (11, 7), mode="bilinear", align_corners=True
    )
    np.testing.assert_allclose(ours, theirs.numpy().transpose(0, 2, 3, 1), atol=1e-5)


@pytest.mark.parametrize("layer", [PositionAttention, ChannelAttention])
def test_attention_starts_as_the_identity_and_then_mixes(layer):
    x = np.random.default_rng(2).normal(size=(2, 4, 6, 16)).astype(np.float32)
    attention = layer()
    np.testing.assert_array_equal(attention(x), x)
    attention.gamma.assign([0.5])
    assert np.abs(attention(x) - x).max() > 0.1


def test_input_is_normalized_as_imagenet():
    image = keras.Input((2, 2, 3))
    model = keras.Model(image, imagenet_input(image))
    x = np.random.default_rng(3).uniform(-1, 1, (1, 2, 2, 3)).astype(np.float32)
    np.testing.assert_allclose(model(x), ((x + 1) / 2 - IMAGENET_MEAN) / IMAGENET_STD, atol=1e-5)


@pytest.mark.parametrize("build", [build_bisenet, build_danet])
def test_networks_survive_saving_and_take_other_sizes(build, tmp_path):
    kwargs = {"depth": 18} if build is build_danet else {}
    model = build(num_classes=5, filters=4, **kwargs)
    for size in ((32, 64), (64, 32)):
        x = np.random.default_rng(4).uniform(-1, 1, (1, *size, 3)).astype(np.float32)
        outputs = model(x, training=False)
        assert {tuple(out.shape) for out in outputs} == {(1, *size, 5)}
    model.save(tmp_path / "parser.keras")
    again = keras.models.load_model(tmp_path / "parser.keras")
    np.testing.assert_array_equal(again(x, training=False)[0], outputs[0])


@pytest.mark.parametrize(
    ("build", "kwargs", "words"),
    [
        (build_bisenet, {"num_classes": 1}, "num_classes"),
        (build_danet, {"head": "crf"}, "danet"),
        (build_danet, {"depth": 34}, "50"),
    ],
)
def test_wrong_arguments_are_named(build, kwargs, words):
    with pytest.raises(ValueError, match=words):
        build(**kwargs)
