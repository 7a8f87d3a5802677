"""Released layouts of CartoonGAN and AnimeGANv2."""

from pathlib import Path

import numpy as np
import pytest
from golden import stylize_states as states
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.convert import animegan2, cartoongan
from ganime_tf.convert.common import keras_kernel
from ganime_tf.lite.litert import LiteRTModel
from ganime_tf.ops.images import to_float, to_uint8


def psnr(x, y):
    return 10 * np.log10(255.0**2 / np.mean((x.astype(float) - y.astype(float)) ** 2))


def save(path, state) -> Path:
    np.savez(path, **state)
    return path


@pytest.mark.parametrize(
    ("module", "state", "gone", "damaged"),
    [
        (cartoongan, states.cartoon_state(), "in02_1.scale", "conv02_1.weight"),
        (animegan2, states.animegan_state(), "block_a.1.2.weight", "block_b.0.1.weight"),
    ],
)
def test_keys_that_do_not_fit_are_listed(module, state, gone, damaged, tmp_path):
    state = dict(state, extra=np.zeros(3, np.float32))
    del state[gone]
    state[damaged] = state[damaged][:1]
    with pytest.raises(ValueError, match="1 missing.*1 unknown: extra.*1 of another shape"):
        module.convert([save(tmp_path / "state.npz", state)])


@pytest.mark.parametrize("module", [cartoongan, animegan2])
def test_other_files_are_refused(module, tmp_path):
    other = save(tmp_path / "other.npz", {"weight": np.zeros(3)})
    with pytest.raises(ValueError, match="is no "):
        module.convert([other])
    (tmp_path / "noise.npz").write_bytes(b"noise")
    with pytest.raises(ValueError, match="npz"):
        module.convert([tmp_path / "noise.npz"])
    with pytest.raises(FileNotFoundError):
        module.convert([tmp_path / "absent.npz"])
    with pytest.raises(ValueError, match="Expected one"):
        module.convert([other, other])


def tensorflow_names(state):
    """The same arrays as TensorFlow 1 names and shapes them."""
    stages = {"conv": "Conv", "norm": "LayerNorm"}
    scopes = {"expand": "Conv", "expand_norm": "LayerNorm", "depthwise_norm": "1"}
    scopes |= {"project": "Conv_1", "project_norm": "2"}
    out = {}
    for key, value in state.items():
        layer, variable = animegan2._torch_name(key).split("/")
        value = keras_kernel(value)
        if layer == "out_conv":
            name = "out_layer/Conv/weights"
        elif layer.startswith("c_block"):
            block, part = layer[7], layer[9:]
            if part == "depthwise":
                value = value.transpose(0, 1, 3, 2) if value.ndim == 4 else value
                name = f"C/r{block}/r{block}/{'w' if variable == 'kernel' else variable}"
            else:
                variable = "weights" if variable == "kernel" else variable
                name = f"C/r{block}/{scopes[part]}/{variable}"
        else:
            kind, index = layer[2:6], int(layer[6:])
            variable = "weights" if variable == "kernel" else variable
            name = f"{layer[0].upper()}/{stages[kind]}{f'_{index}' * bool(index)}/{variable}"
        out[f"generator/G_MODEL/{name}"] = value
    return out


def test_both_names_of_animegan2_give_the_same_network(tmp_path):
    state = states.animegan_state()
    other = tensorflow_names(state)
    other["generator/G_MODEL/A/Conv/weights/Adam"] = np.zeros(1)
    other["discriminator/D_MODEL/w"] = np.zeros(1)
    port = animegan2.convert([save(tmp_path / "port.npz", state)])
    own = animegan2.convert([save(tmp_path / "tf.npz", other)])
    assert (port.config.resize, own.config.resize) == ("align_corners", "tf1")
    assert (port.config.norm_epsilon, own.config.norm_epsilon) == (1e-5, 1e-12)
    for a, b in zip(port.generator.weights, own.generator.weights, strict=True):
        np.testing.assert_array_equal(np.array(a), np.array(b))


def test_a_tensorflow_checkpoint_is_read(tmp_path):
    import tensorflow as tf

    state = tensorflow_names(states.animegan_state())
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "model.ckpt"), tensor_names=list(state),
        shape_and_slices=[""] * len(state), tensors=[tf.constant(v) for v in state.values()],
    )  # fmt: skip
    model = animegan2.convert(sorted(tmp_path.glob("model.ckpt*")))
    np.testing.assert_array_equal(
        np.array(model.generator.get_layer("a_conv0").kernel),
        state["generator/G_MODEL/A/Conv/weights"],
    )


@pytest.mark.parity
@pytest.mark.parametrize("align_corners", [True, False])
def test_animegan2_equals_pytorch(align_corners, tmp_path):
    torch = pytest.importorskip("torch")
    from golden import make_stylize as reference

    state = {key: torch.tensor(value) for key, value in states.animegan_state(4).items()}
    torch.save(state, tmp_path / "port.pt")
    model = animegan2.convert(
        [tmp_path / "port.pt"], resize="align_corners" if align_corners else "half_pixel"
    )
    x = states.pictures(["a"], 1, 32)["a"][:, :24]
    expected = reference.animegan(state, reference.nchw(x), align_corners).permute(0, 2, 3, 1)
    np.testing.assert_allclose(model(x), expected.numpy(), atol=1e-4)
    if align_corners:  # any size, by way of the command's graph: not padded, not cropped
        odd = to_uint8(states.pictures(["a"], 1, 32)["a"][:, :27, :22]).numpy()
        floats = reference.nchw(to_float(odd).numpy())
        expected = reference.animegan(state, floats, True).permute(0, 2, 3, 1).numpy()
        difference = model.translate(odd).astype(int) - to_uint8(expected).numpy()
        assert np.abs(difference).max() <= 1


@pytest.mark.parity
def test_cartoongan_equals_pytorch(tmp_path):
    torch = pytest.importorskip("torch")
    from golden import make_stylize as reference

    state = {key: torch.tensor(value) for key, value in states.cartoon_state(4, 3).items()}
    torch.save(state, tmp_path / "Hayao_net_G_float.pth")
    model = cartoongan.convert([tmp_path / "Hayao_net_G_float.pth"])
    assert model.config.num_blocks == 3
    x = states.pictures(["a"], 1, 32)["a"][:, :24]
    expected = reference.cartoon(state, reference.nchw(x).flip(1)).flip(1).permute(0, 2, 3, 1)
    np.testing.assert_allclose(model(x), expected.numpy(), atol=1e-4)


def test_the_command_paints_the_authors_hayao_pictures(shared, tmp_path):
    weights, run = shared / "weights/cartoongan_hayao.npz", tmp_path / "run"
    assert main(["convert", "cartoongan", str(weights), "-o", str(run)]) == 0
    folder = shared / "weights/cartoongan_examples"
    sources = [path for path in sorted(folder.glob("*.jpg")) if "Hayao" not in path.name]
    assert len(sources) == 3
    arguments = ["--model", str(run), "-o", str(tmp_path), "--size", "450"]  # as the test script
    assert main(["translate", *map(str, sources), *arguments]) == 0
    for path in sources:
        published = np.asarray(Image.open(folder / f"{path.stem}_Hayao.jpg").convert("RGB"))
        out = np.asarray(Image.open(tmp_path / f"{path.stem}.png"))
        # Theirs are whole multiples of 4; ours have the size of the picture.
        assert out.shape[0] in range(published.shape[0] - 3, published.shape[0] + 1)
        assert psnr(out, published[: out.shape[0], : out.shape[1]]) >= 32.5


def test_weights_out_of_the_quantised_animegan2_paint_like_it(shared):
    path = shared / "weights/animeganv2_hayao_256_int8.tflite"
    quantised, model = LiteRTModel(path), animegan2.convert([path])
    photo = Image.open(shared / "weights/cartoongan_examples/4--24.jpg").convert("RGB")
    photo = np.asarray(photo.resize((256, 256)))
    expected = quantised.translate(photo)
    assert psnr(model.translate(photo), expected) > 30.0
    assert psnr(photo, expected) < 22.0
