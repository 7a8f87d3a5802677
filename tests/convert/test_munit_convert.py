"""Official checkpoints of MUNIT, through `ganime convert` and `ganime translate`."""

import numpy as np
import pytest
from helpers import tiny
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.convert import munit
from ganime_tf.inference import load


def _release(model, kind):
    """A model's weights as the release saves them, with what it has besides."""
    states = {}
    for domain in "ab":
        if kind == "gen":
            table = munit.generator_variables(model, domain)
        else:
            table = munit.discriminator_variables(getattr(model, f"discriminator_{domain}"))
        state = {}
        for key, entry in table.items():
            value = np.array(entry[0] if isinstance(entry, tuple) else entry)
            if key.endswith("weight"):
                value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T
            if key == "enc_style.model.6.weight":
                value = value[..., None, None]
            state[key] = value
        if kind == "gen":  # idle biases, and buffers of norms that keep nothing
            state["enc_content.model.0.conv.bias"] = np.ones(8, "float32")
            state["dec.model.0.model.0.model.1.conv.bias"] = np.ones(32, "float32")
            state["dec.model.0.model.0.model.1.norm.running_mean"] = np.zeros(32, "float32")
        states[domain] = state
    return states


@pytest.fixture
def files(tmp_path, monkeypatch):
    model = tiny("munit", "munit-tiny")
    made = {}
    for kind in ("gen", "dis"):
        made[f"{kind}_1.pt"] = _release(model, kind)
        (tmp_path / f"{kind}_1.pt").write_bytes(b"made")
    monkeypatch.setattr(munit, "read_networks", lambda path, names=(): made[path.name])
    return model, made, tmp_path


def test_a_release_translates_as_it_did(files):
    model, _, folder = files
    argv = ["convert", "munit", str(folder / "dis_1.pt"), str(folder / "gen_1.pt")]
    assert main([*argv, "-o", str(folder / "run")]) == 0
    picture = np.random.default_rng(0).integers(0, 256, (40, 36, 3), np.uint8)
    Image.fromarray(picture).save(folder / "in.png")
    outputs = {}
    for name, options in {
        "default": [],
        "seed": ["--seed", "3"],
        "reference": ["--reference", str(folder / "in.png")],
        "reverse": ["--use", "reverse", "--seed", "3"],
    }.items():
        argv = ["translate", str(folder / "in.png"), "--model", str(folder / "run"), *options]
        assert main([*argv, "-o", str(folder / name)]) == 0
        outputs[name] = np.asarray(Image.open(folder / name / "in.png"))
    wanted = {
        "default": model.run(image=picture, seed=0),
        "seed": model.run(image=picture, seed=3),
        "reference": model.run(image=picture, reference=picture),
        "reverse": model.run("reverse", image=picture, seed=3),
    }
    for name, output in outputs.items():
        assert np.abs(output.astype(int) - wanted[name]).max() <= 1, name
    assert len({output.tobytes() for output in outputs.values()}) == 4
    loaded = load(folder / "run")
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        if "discriminator" in ours.path:
            np.testing.assert_array_equal(np.array(ours), np.array(theirs))


def test_a_missing_key_is_named_and_other_files_are_refused(files):
    _, made, folder = files
    del made["gen_1.pt"]["b"]["mlp.model.1.fc.weight"]
    with pytest.raises(ValueError, match="1 missing: mlp.model.1.fc.weight"):
        munit.convert([folder / "gen_1.pt"])
    with pytest.raises(ValueError, match="No generators among"):
        munit.convert([folder / "dis_1.pt"])
    made["gen_1.pt"] = {"a": {"x": np.zeros(1)}, "b": {"x": np.zeros(1)}}
    with pytest.raises(ValueError, match=r"keys such as \['x'\]"):
        munit.convert([folder / "gen_1.pt"])
