"""The released checkpoint of AniGAN, through `ganime convert` and `ganime translate`."""

import numpy as np
import pytest
from helpers import tiny
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.convert import anigan


def test_a_release_translates_by_reference(tmp_path, monkeypatch):
    model = tiny("anigan", "anigan-tiny")
    state = {"enc_content.model.0.conv.bias": np.ones(8, "float32")}  # idle
    for key, entry in anigan.generator_variables(model).items():
        value = np.array(entry[0] if isinstance(entry, tuple) else entry)
        if key.endswith("weight"):
            value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T
            if "conv1x1" in key or key.endswith("para_model.2.weight"):
                value = value[..., None, None]
        state[key] = value
    made = {"gen": {"wrong": np.zeros(1)}, "gen_test": state}
    monkeypatch.setattr(anigan, "read_networks", lambda path, names=(): made)
    (tmp_path / "released.pt").write_bytes(b"made")
    argv = ["convert", "anigan", str(tmp_path / "released.pt"), "-o", str(tmp_path / "run")]
    assert main(argv) == 0
    picture, other = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "in.png")
    Image.fromarray(other).save(tmp_path / "other.png")
    argv = ["translate", str(tmp_path / "in.png"), "--model", str(tmp_path / "run")]
    argv += ["--reference", str(tmp_path / "other.png"), "-o", str(tmp_path / "out")]
    assert main(argv) == 0
    out = np.asarray(Image.open(tmp_path / "out/in.png"))
    assert np.abs(out.astype(int) - model.run(image=picture, reference=other)).max() <= 1
    del state["mlp_com.model.1.fc.weight"]
    with pytest.raises(ValueError, match="1 missing: mlp_com.model.1.fc.weight"):
        anigan.convert([tmp_path / "released.pt"])
