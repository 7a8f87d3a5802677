"""A random checkpoint in the released layout of StyleAnime becomes our model, number by number."""

import numpy as np
import pytest
import tensorflow as tf
from convert.rosinality import prior_state
from weights.made_files import save_zip

from ganime_tf.configs.styleanime import RELEASED19
from ganime_tf.convert.styleanime import convert
from ganime_tf.models.styleanime import PRESETS, StyleAnime
from ganime_tf.networks.ir_se import state_table

_SMALL = {"image_size": 16, "load_size": 16, "channel_base": 64, "channel_max": 8, "style_size": 8,
          "latent_size": 8, "mapping_layers": 2, "filters": 4, "bank_size": 20,
          "bank_neighbours": 3, "identity_weight": 0.0, "units": (1, 2, 1, 1),
          "appearance_codes": 2}  # fmt: skip


def _model():
    return StyleAnime(PRESETS["styleanime-released"], **_SMALL)


def _to_torch(value, slope):
    value = np.array(value)
    if value.ndim == 4:
        return value.transpose(3, 2, 0, 1)
    if value.ndim == 2:
        return value.T
    return value.ravel() if slope else value


def _encoder(network, prefix):
    state = {}
    for key, (variable, _) in state_table(network).items():
        state[f"{prefix}.{key}"] = _to_torch(variable, variable.name == "alpha")
        if key.endswith("running_var"):
            state[f"{prefix}.{key[:-11]}num_batches_tracked"] = np.array(7)
    return state


def _randomize(model):
    random = np.random.default_rng(0)
    for network in (model.structure, model.appearance, model.mapping, model.synthesis):
        for variable in network.variables:
            if variable.dtype == "float32":
                value = random.normal(size=tuple(variable.shape)) * 0.2
                variable.assign(np.abs(value) + 0.5 if "variance" in variable.name else value)


def _save(path, model, **changes):
    state = _encoder(model.structure, "encoder.encoder_1")
    state |= _encoder(model.appearance, "encoder.encoder_2")
    state["encoder.encoder_1.latlayer2.weight"] = np.zeros((32, 8, 1, 1))
    state["encoder.encoder_1.latlayer2.bias"] = np.zeros(32)
    state |= {f"decoder.{k}": v for k, v in prior_state(model).items()} | changes
    mean = np.array(model.mapping.get_layer("mean").mean)
    state = {key: value for key, value in state.items() if value is not None}
    return save_zip(path, {"state_dict": state, "latent_avg": mean, "opts": {"lr": 1e-4}})


def test_a_random_checkpoint_draws_what_it_was_made_of(tmp_path):
    model = _model()
    _randomize(model)
    path = _save(tmp_path / "best_model.pt", model)
    again = convert([path], bank_size=20, bank_neighbours=3)
    assert again.config.class_names == RELEASED19
    assert again.config.units == (1, 2, 1, 1)
    assert (again.config.image_size, again.config.appearance_codes) == (16, 2)
    maps = np.random.default_rng(1).integers(0, 19, (1, 16, 16))
    picture = tf.random.stateless_uniform((1, 16, 16, 3), (0, 1), -1, 1)
    wanted, found = (m.codes(maps, picture) for m in (model, again))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    np.testing.assert_allclose(again.draw(found), model.draw(wanted), atol=1e-5)
    assert float(np.array(again.bank.filled)) == 1.0


def test_what_does_not_fit_is_listed(tmp_path):
    model = _model()
    key = "encoder.encoder_1.styles.0.linear.weight"
    path = _save(tmp_path / "a.pt", model, **{key: None, "encoder.encoder_1.new": np.zeros(2)})
    with pytest.raises(ValueError, match="1 missing: styles.0.linear.weight; 1 unknown: new"):
        convert([path])
    save_zip(tmp_path / "b.pt", {"state_dict": {"w": np.zeros(2)}})
    with pytest.raises(ValueError, match="needs `state_dict` and `latent_avg`"):
        convert([tmp_path / "b.pt"])
    with pytest.raises(FileNotFoundError, match="No checkpoint file"):
        convert([tmp_path / "none.pt"])
