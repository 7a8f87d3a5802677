"""Checkpoints of StyleGAN2: rosinality's layout gives its pictures, and no file runs code."""

import argparse
import pickle

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.convert import stylegan2_layouts as layouts
from ganime_tf.networks import stylegan2 as networks
from ganime_tf.weights.reading import read_modules, read_networks


def rosinality_state(keys, shapes, seed):
    """Fills a state dict by names, as the golden values were made."""
    rng, state = np.random.RandomState(seed), {}
    for key in sorted(keys):
        if key.endswith("kernel"):
            continue
        value = rng.standard_normal(shapes[key])
        if key.endswith("modulation.bias"):
            value = 1 + 0.2 * value
        elif key.startswith("style"):
            value = value * (10 if key.endswith("bias") else 100)
        elif key.endswith(("bias", "noise.weight")):
            value = 0.2 * value
        state[key] = value.astype(np.float32)
    return state


def generator_shapes(keys, channels=512):
    shapes = {}
    for key in keys:
        if key.startswith("style") and key.endswith("weight"):
            shapes[key] = (512, 512)
        elif key.startswith("noises"):
            side = 4 if key.endswith("_0") else 8
            shapes[key] = (1, 1, side, side)
        elif key == "input.input":
            shapes[key] = (1, channels, 4, 4)
        elif key.endswith("modulation.weight"):
            shapes[key] = (channels, 512)
        elif key.endswith("noise.weight"):
            shapes[key] = (1,)
        elif key.endswith("conv.weight"):
            rgb = "rgb" in key
            shapes[key] = (1, 3, channels, 1, 1) if rgb else (1, channels, channels, 3, 3)
        elif "rgb" in key and key.endswith("bias") and "modulation" not in key:
            shapes[key] = (1, 3, 1, 1)
        else:
            shapes[key] = (channels,)
    return shapes


def part(state, prefix):
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def test_rosinality_generator_gives_its_pictures(shared):
    golden = np.load(shared / "facts/golden_rosinality.npz")
    keys = [str(key).split(" ")[0] for key in golden["g_keys"]]
    state = rosinality_state(keys, generator_shapes(keys), 0)
    named = layouts.rosinality_generator(state)
    mapping, synthesis = networks.build_mapping(), networks.build_synthesis(image_size=8)
    weights = part(named, "mapping.") | {"w_avg": np.zeros(512, np.float32)}
    layouts.apply_state(mapping, weights)
    layouts.apply_state(synthesis, part(named, "synthesis."))
    z = np.random.RandomState(2).standard_normal((4, 512)).astype(np.float32)
    w = mapping(z)
    np.testing.assert_allclose(w[:, :8], golden["w_first8"], rtol=1e-3, atol=1e-4)
    ws = tf.repeat(w[:, None], 4, axis=1)
    image = golden["image"].transpose(0, 2, 3, 1)
    np.testing.assert_allclose(synthesis(ws)[:2], image, rtol=1e-4, atol=1e-3)


def test_wrong_keys_are_listed():
    mapping = networks.build_mapping(latent_size=8, style_size=8, num_layers=1)
    with pytest.raises(ValueError, match="3 missing: fc0.bias, fc0.weight, w_avg"):
        layouts.apply_state(mapping, {"other": np.zeros(3)})


def test_rosinality_file_is_read_with_its_flags(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "a.pt"
    args = argparse.Namespace(size=8)
    torch.save({"g_ema": {"input.input": torch.ones(1, 2, 4, 4)}, "args": args}, path)
    assert read_networks(path)["g_ema"]["input.input"].shape == (1, 2, 4, 4)


class Bomb:
    def __reduce__(self):
        return eval, ("1 / 0",)


def test_code_in_a_pickle_is_refused_by_name(tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"G": Bomb()}))
    with pytest.raises(ValueError, match="it asks for builtins.eval"):
        read_modules(path, ["G"])


def test_official_pickle_is_read_without_its_classes(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "a.pkl"

    # The name of the official function that would execute `module_src`, in protocol 2.
    class Persistent:
        def __reduce__(self):
            state = {"_parameters": {"bias": torch.nn.Parameter(torch.ones(3))}, "_modules": {}}
            return _reconstruct_persistent_obj, (
                {"module_src": "raise SystemExit", "class_name": "G", "state": state},
            )

    data = pickle.dumps({"G": Persistent()}, protocol=2)
    here = f"c{__name__}\n_reconstruct_persistent_obj\n".encode()
    assert here in data
    path.write_bytes(data.replace(here, b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"))
    np.testing.assert_array_equal(read_modules(path, ["G"])["G"]["bias"], np.ones(3))


def _reconstruct_persistent_obj(meta):
    raise AssertionError("must not be called")
