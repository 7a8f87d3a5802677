"""A released file with a key missing, unknown or of another shape is refused in one line.

Through `ganime convert`, for every layout and every network of it; nothing is written then.
"""

import re

import numpy as np
import pytest
from convert.rosinality import prior_state
from golden import stylize_states
from weights.made_files import save_zip

from ganime_tf.cli import main
from ganime_tf.cli.convert import LAYOUTS
from ganime_tf.configs.styleanime import RELEASED19
from ganime_tf.convert import anigan, cyclegan, munit, pix2pix, ugatit
from ganime_tf.models import get_model, get_presets
from ganime_tf.networks.ir_se import state_table


def released(wanted: dict) -> dict[str, np.ndarray]:
    """Arrays of the shapes that PyTorch has, for `{key: variable or (variable, reorder)}`."""
    random, state = np.random.default_rng(0), {}
    for key, entry in wanted.items():
        variable = entry[0] if isinstance(entry, tuple) else entry
        shape = tuple(variable.shape)
        theirs = shape[:1:-1] + shape[:2] if len(shape) == 4 else shape[::-1]
        state[key] = random.normal(0, 0.1, theirs).astype(np.float32) ** 2 + 0.1
    return state


def _pix2pix(monkeypatch):
    model = get_model("pix2pix")(family="authors", image_size=8, load_size=8, levels=3, filters=2,
                                 patch_size=16)  # fmt: skip
    found = {}
    with monkeypatch.context() as patch:
        patch.setattr(
            pix2pix, "assign", lambda name, wanted, *_, **__: found.update({name: wanted})
        )
        for network in (model.generator, model.discriminator):
            pix2pix.apply_state_dict(network, {})
    states = {name: released(wanted) for name, wanted in found.items()}
    return {"latest_net_G.pth": {"": states[model.generator.name]},
            "latest_net_D.pth": {"": states[model.discriminator.name]}}  # fmt: skip


def _cyclegan(monkeypatch):
    model = get_model("cyclegan")(num_blocks=1, filters=2, patch_size=16)
    table = {"G_A": model.generator_a2b, "G_B": model.generator_b2a,
             "D_A": model.discriminator_b, "D_B": model.discriminator_a}  # fmt: skip
    return {f"latest_net_{name}.pth": {"": released(cyclegan.variables_of(network))}
            for name, network in table.items()}  # fmt: skip


def _ugatit(monkeypatch):
    model = get_model("ugatit")(filters=2, num_blocks=1, image_size=96, load_size=126)
    states = {name: released(ugatit.variables_of(getattr(model, attribute)))
              for name, attribute in ugatit.NETWORKS.items()}  # fmt: skip
    return {"params.pt": states}


def _cartoongan(monkeypatch):
    return {"Hayao_net_G_float.pth": {"": stylize_states.cartoon_state()}}


def _animegan2(monkeypatch):
    return {"face_paint.pt": {"": stylize_states.animegan_state()}}


_SMALL = {"image_size": 16, "load_size": 16, "channel_base": 64, "channel_max": 8, "style_size": 8,
          "latent_size": 8, "mapping_layers": 2}  # fmt: skip


def _stylegan2(monkeypatch):
    return {"a.pt": {"g_ema": prior_state(get_model("stylegan2")(**_SMALL))}}


def _styleanime(monkeypatch):
    model = get_model("styleanime")(
        **_SMALL, filters=4, bank_size=20, bank_neighbours=3, identity_weight=0.0,
        units=(1, 2, 1, 1), appearance_codes=2, class_names=RELEASED19,
    )  # fmt: skip
    state = {f"decoder.{key}": value for key, value in prior_state(model).items()}
    for number, network in ((1, model.structure), (2, model.appearance)):
        for key, value in released(state_table(network)).items():
            state[f"encoder.encoder_{number}.{key}"] = value
    return {"best_model.pt": {"state_dict": state, "latent_avg": np.zeros(8, np.float32)}}


def _munit(monkeypatch):
    model, kinds = get_model("munit")(get_presets("munit")["munit-tiny"]), {}
    for domain in "ab":
        kinds.setdefault("gen", {})[domain] = released(munit.generator_variables(model, domain))
        discriminator = getattr(model, f"discriminator_{domain}")
        kinds.setdefault("dis", {})[domain] = released(munit.discriminator_variables(discriminator))
        code = kinds["gen"][domain]
        code["enc_style.model.6.weight"] = code["enc_style.model.6.weight"][..., None, None]
    return {f"{kind}_1.pt": states for kind, states in kinds.items()}


def _anigan(monkeypatch):
    model = get_model("anigan")(get_presets("anigan")["anigan-tiny"])
    state = released(anigan.generator_variables(model))
    for key in state:
        if key.endswith(("conv1x1.weight", "para_model.2.weight")):
            state[key] = state[key][..., None, None]
    return {"released.pt": {"gen_test": state}}


CASES = {
    "pix2pix": _pix2pix,
    "cyclegan": _cyclegan,
    "ugatit": _ugatit,
    "munit": _munit,
    "anigan": _anigan,
    "cartoongan": _cartoongan,
    "animegan2": _animegan2,
    "stylegan2": _stylegan2,
    "styleanime": _styleanime,
}


def test_every_layout_has_a_case():
    assert CASES.keys() == LAYOUTS.keys()


# Layouts whose keys get our names before they are compared.
_RENAMED = ("animegan2", "stylegan2", "styleanime")


def _save(tmp_path, files) -> list[str]:
    paths = []
    for name, states in files.items():
        content = states.get("", states)
        paths.append(str(save_zip(tmp_path / name, content)))
    return paths


def _ruined(state: dict, how: str) -> str:
    """Ruins a state in place; returns the key that is wrong."""
    key = sorted(k for k in state if k.endswith(("bias", "shift")) and state[k].ndim == 1)[-1]
    if how == "missing":
        del state[key]
    elif how == "unknown":
        key = "a_new_layer.weight"
        state[key] = np.zeros((2, 2), np.float32)
    else:
        state[key] = np.concatenate([state[key], state[key]])
    return key


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_does_not_fit_is_refused_in_a_line(layout, monkeypatch, tmp_path, capsys):
    files = CASES[layout](monkeypatch)
    out = tmp_path / "run"
    assert main(["convert", layout, *_save(tmp_path, files), "-o", str(out)]) == 0
    assert (out / "model.keras").exists()
    capsys.readouterr()
    networks = [(file, name) for file in files for name in files[file]
                if isinstance(files[file][name], dict)]  # fmt: skip
    for number, (file, name) in enumerate(networks):
        for how in ("missing", "unknown", "of another shape") if not number else ("missing",):
            ruined = {f: dict(states) for f, states in files.items()}
            ruined[file][name] = dict(ruined[file][name])
            key = _ruined(ruined[file][name], how)
            call = ["convert", layout, *_save(tmp_path, ruined), "-o", str(tmp_path / "none")]
            assert main(call) == 2, (file, name, how)
            error = capsys.readouterr().err
            assert error.count("\n") == 1 and error.startswith("ganime convert: error: ")
            named = re.search(rf"Keys 1 {how}: (\S+)", error)
            assert named, error
            if layout not in _RENAMED:
                assert named[1].strip(".;") == key
            assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_of_other_things_are_refused_in_a_line(layout, monkeypatch, tmp_path, capsys):
    suffix = ".pt" if layout in ("stylegan2", "styleanime", "ugatit", "munit", "anigan") else ".pth"
    path = tmp_path / f"latest_net_G_A{suffix}"
    for content in (b"no weights", None):
        if content is None:
            save_zip(path, {"other": {"weight": np.zeros((2, 2), np.float32)}, "epoch": 3})
        else:
            path.write_bytes(content)
        assert main(["convert", layout, str(path), "-o", str(tmp_path / "none")]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and str(path) in error or "keys begin" in error
        assert not (tmp_path / "none").exists()
