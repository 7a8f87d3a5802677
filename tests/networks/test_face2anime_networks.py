"""Sizes of the networks of Face2Anime and XGAN, counted from their layer tables."""

import numpy as np
import pytest

from ganime_tf.networks import xgan
from ganime_tf.networks.face2anime import build_critic, build_domain_classifier, build_halves
from ganime_tf.networks.recognizer import build_recognizer
from ganime_tf.networks.resnet import build_resnet


def _trained(network):
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


@pytest.mark.parametrize("encoder_blocks", [0, 1, 2])
def test_halves_are_the_residual_generator_cut_in_two(encoder_blocks):
    encoder, decoder = build_halves(num_blocks=2, encoder_blocks=encoder_blocks, filters=4)
    whole = build_resnet(num_blocks=2, filters=4)
    mine = [*encoder.weights, *decoder.weights]
    for ours, theirs in zip(mine, whole.weights, strict=True):
        theirs.assign(ours)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 16, 24, 3)).astype(np.float32)
    code = encoder(picture)
    assert code.shape == (1, 4, 6, 16)
    np.testing.assert_allclose(decoder(code), whole(picture), atol=1e-6)


def test_the_domain_classifier_has_the_documented_size():
    network = build_domain_classifier(channels=256)
    assert network.count_params() == 395_457
    assert network(np.zeros((1, 32, 32, 256), np.float32)).shape == (1, 7, 7, 1)


def test_a_critic_has_no_norm_and_refuses_one_over_the_batch():
    network = build_critic(patch_size=70)
    assert network.count_params() == 2_764_737  # pytorch-CycleGAN's PatchGAN-70: norms have none
    assert network(np.zeros((1, 128, 128, 3), np.float32)).shape == (1, 14, 14, 1)
    with pytest.raises(ValueError, match="'none' or 'instance'"):
        build_critic(norm="batch")


@pytest.mark.parametrize(("kernel", "shared", "own"), [(4, 10_487_296, 658_819),
                                                       (2, 8_914_432, 164_995)])  # fmt: skip
def test_xgans_auto_encoders_have_the_documented_sizes(kernel, shared, own):
    fields = {"filters": 32, "order": "norm_first"}
    sizes = {"image_size": 64, "code_size": 1024}
    encoder = xgan.build_own_encoder(**fields, name="encoder_a")
    assert _trained(encoder) == 19_488
    shared_encoder = xgan.build_shared_encoder(**fields, **sizes, code_end="norm", dropout=0.0)
    assert _trained(shared_encoder) == 5_616_384
    assert shared_encoder(encoder(np.zeros((1, 64, 64, 3), np.float32))).shape == (1, 1024)
    shared_decoder = xgan.build_shared_decoder(**fields, **sizes, up_kernel=kernel)
    decoder = xgan.build_own_decoder(**fields, up_kernel=kernel, name="decoder_a")
    assert (_trained(shared_decoder), _trained(decoder)) == (shared, own)
    features = shared_decoder(np.zeros((1, 1024), np.float32))
    assert features.shape == (1, 8, 8, 256) and decoder(features).shape == (1, 64, 64, 3)


def test_xgans_judges_have_the_documented_sizes():
    judge = xgan.build_xgan_discriminator(
        image_size=64, filters=32, order="norm_first", name="discriminator_b"
    )
    assert _trained(judge) == 24_161
    widths = {"code_size": 1024, "widths": (512, 256, 128)}
    assert _trained(xgan.build_code_classifier(**widths, norm=True)) == 690_945
    assert _trained(xgan.build_code_classifier(**widths)) == 690_945 - 2 * (512 + 256 + 128)


def test_a_recognizer_gives_its_levels_at_half_the_size_each():
    network = build_recognizer(filters=(4, 8))
    found = network(np.zeros((1, 33, 20, 3), np.float32))
    shapes = {key: tuple(value.shape) for key, value in found.items()}
    assert shapes == {"level1": (1, 17, 10, 4), "level2": (1, 9, 5, 8)}
    with pytest.raises(ValueError, match="at least one level"):
        build_recognizer(filters=())
