"""Generators and discriminators of CycleGAN and U-GAT-IT: counts of the releases, shapes."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.networks.resnet import build_resnet
from ganime_tf.networks.ugatit import build_ugatit_discriminator, build_ugatit_generator


def _count(network):
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)


@pytest.mark.parametrize(("num_blocks", "count"), [(9, 11_378_179), (6, 7_837_699)])
def test_resnet_has_the_published_count(num_blocks, count):
    assert _count(build_resnet(num_blocks=num_blocks)) == count


@pytest.mark.parametrize(
    ("variant", "light", "num_global", "num_local"),
    [("torch", 10_589_888, 53_130_176, 3_290_560), ("tf1", 10_600_388, 53_128_130, 3_290_050)],
)
def test_ugatit_has_the_published_counts(variant, light, num_global, num_local):
    assert _count(build_ugatit_generator(light=True, variant=variant)) == light
    assert _count(build_ugatit_discriminator(num_layers=7, variant=variant)) == num_global
    assert _count(build_ugatit_discriminator(num_layers=5, variant=variant)) == num_local


@pytest.mark.parametrize(("variant", "full"), [("torch", 278_959_808), ("tf1", 278_970_308)])
def test_full_generator_differs_from_light_by_its_first_dense_kernel(variant, full):
    # Built small: the full-size kernel alone is 1 GiB.
    def count(light, downsample=1):
        return _count(
            build_ugatit_generator(
                image_size=32, light=light, mlp_downsample=downsample, variant=variant, filters=64
            )
        )

    features = 8 * 8 * 256  # at 32 px; 64 * 64 * 256 at 256 px
    light = count(True)
    assert count(False) - light == (features - 256) * 256
    assert light + (64 * 64 * 256 - 256) * 256 == full
    assert count(False, 4) - light == (features // 16 - 256) * 256


@pytest.mark.parametrize(
    ("variant", "layers", "side"), [("torch", 4, 6), ("tf1", 4, 8), ("torch", 5, 2)]
)
def test_discriminator_map_sizes(variant, layers, side):
    network = build_ugatit_discriminator(num_layers=layers, filters=2, variant=variant)
    scores, logits, heatmap = network(tf.zeros((2, 32, 32, 3)))
    assert scores.shape == (2, side, side, 1) and logits.shape == (2, 2)
    assert heatmap.shape[-1] == 1


def test_full_generator_takes_other_sizes_than_its_own():
    network = build_ugatit_generator(image_size=16, filters=2, num_blocks=1, mlp_downsample=2)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 24, 32, 3)).astype("float32")
    image, _, heatmap = network(x)
    assert image.shape == x.shape and heatmap.shape == (1, 6, 8, 1)


def test_unknown_settings_raise():
    with pytest.raises(ValueError, match="variant"):
        build_ugatit_generator(variant="jax")
    with pytest.raises(ValueError, match="mlp_downsample"):
        build_ugatit_generator(image_size=32, mlp_downsample=3)
    with pytest.raises(ValueError, match="num_layers"):
        build_ugatit_discriminator(num_layers=2)
    with pytest.raises(ValueError, match="num_blocks"):
        build_resnet(num_blocks=-1)
