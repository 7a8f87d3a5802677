import dataclasses

import pytest

from ganime_tf.models import get_model, get_preset
from ganime_tf.models.pix2pix import PRESETS, Pix2Pix, Pix2PixConfig


def test_a_misspelt_model_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'pix2pix'"):
        get_model("pix2pixx")


def test_a_misspelt_preset_gets_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'ganime-tv'"):
        get_preset("pix2pix", "ganime-t")


def test_an_unknown_field_is_refused():
    with pytest.raises(TypeError, match="l1_wieght"):
        Pix2Pix(PRESETS["pix2pix-tiny"], l1_wieght=1.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"image_size": 100},
        {"patch_size": 71},
        {"image_size": 16, "patch_size": 70},
        {"load_size": 10},
        {"ema_decay": 1.0},
        {"batch_size": 0},
    ],
)
def test_impossible_settings_are_refused(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        Pix2PixConfig(**fields)


def test_another_image_size_brings_its_own_levels():
    assert dataclasses.replace(Pix2PixConfig(), image_size=128, load_size=143).depth == 7


def test_ganime_preset_is_the_paper():
    config = PRESETS["ganime-tv"]
    assert (config.batch_size, config.num_epochs, config.l1_weight) == (32, 150, 100.0)
    assert (config.learning_rate, config.beta_1, config.beta_2) == (2e-4, 0.5, 0.999)
    assert (config.epsilon, config.tv_weight, config.tv_reduction) == (1e-7, 1e-4, "sum")
    assert config.patch_size == 70
