"""What every field of a translator between two looks does: Pix2Pix to U-GAT-IT, and MUNIT."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from effects import (
    ADAM,
    SCORE,
    adversarial,
    build,
    chooses,
    depth,
    dropout,
    l2,
    loads,
    observe,
    order,
    passed,
    pool_keeps,
    rates,
    says_score,
    setting,
    term,
    width,
)


def total_variation_is_a_sum_or_a_mean(name, field):
    one, two = (
        observe(name, tv_weight=1.0, **{field: kind}).parts["g_tv"] for kind in ("sum", "mean")
    )
    assert one / two == pytest.approx(64 * 64 * 3, rel=0.02)


def judges_count(name, field):
    for scale in (0.25, 1.0):
        step = observe(name, fields={field: scale})
        whole = observe(name, fields={field: 0.5})
        assert step.parts["d_loss"] == pytest.approx(2 * scale * whole.parts["d_loss"], rel=1e-5)
        assert step.total("discriminator") == pytest.approx(step.parts["d_loss"], rel=1e-5)
        assert step.total("generator") == pytest.approx(whole.total("generator"), rel=1e-5)


def sources_translate_by_chance(name, field):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for value, same in (("deterministic", True), ("sources", False)):
        model = build(name, **{field: value})
        assert np.array_equal(*(model.run(image=picture) for _ in range(2))) == same


def first_epochs_are_content(name, field):
    model = build(name, **{field: 2})
    model.compile(steps_per_epoch=5)
    assert [model.plan(step)["initialize"] for step in (0, 9, 10)] == [True, True, False]
    step = observe(name, plan=(("initialize", True),), **{field: 2})
    assert step.groups == ["initialization"] and set(step.parts) == {"g_content"}
    never = build(name, **{field: 0})
    never.compile(steps_per_epoch=5)
    assert not never.plan(0)["initialize"] and "initialization" not in never.groups


def grey_pictures_are_weighted(prepare):
    """AnimeGAN's four kinds of pictures before judges that say SCORE."""

    def check(name, field):
        wanted = (SCORE - 1) ** 2 if field == "real_weight" else SCORE**2
        one, two = (
            observe(name, prepare=prepare, fields={field: w}).parts["d_loss"] for w in (1.0, 4.0)
        )
        assert two - one == pytest.approx(3 * wanted, rel=1e-4)

    return check


def stretched_as_named(name, field):
    x = tf.random.stateless_uniform((1, 32, 32, 3), (0, 0), -1, 1)
    drawn = {}
    for value in ("tf1", "half_pixel", "align_corners"):
        model = build(name, variant="v2", **{field: value})
        drawn[value] = model.generator(x).numpy()
    assert np.abs(drawn["tf1"] - drawn["half_pixel"]).max() > 1e-3
    assert np.abs(drawn["align_corners"] - drawn["half_pixel"]).max() > 1e-3


def norms_have(*networks, **base):
    def check(name, field):
        for value in (1e-3, 1e-6):
            model = build(name, **base | {field: value})
            for network in networks:
                layers = getattr(model, network)._flatten_layers(include_self=False)
                found = [layer.epsilon for layer in layers if hasattr(layer, "epsilon")]
                assert found and all(each == pytest.approx(value) for each in found)

    return check


def codes_are_that_long(name, field):
    for size in (3, 5):
        model = build(name, **{field: size})
        assert model.style_size == size
        picture = np.zeros((32, 32, 3), np.uint8)
        assert model.run("style_of", reference=picture).shape == (size,)


def halves_so_often(name, field):
    for number in (1, 2):
        model = build(name, **{field: number})
        assert model.stride == 2**number
        content = model.content_encoder_a(tf.zeros((1, 32, 32, 3)))
        assert content.shape[1] == 32 // 2**number


def judges_at_so_many_scales(name, field):
    for number in (1, 2):
        maps = build(name, **{field: number}).discriminator_a(tf.zeros((1, 32, 32, 3)))
        assert len(keras.tree.flatten(maps)) == number


def recomputes(name, field):
    one, two = (observe(name, **{field: value}) for value in (False, True))
    assert two.parts == pytest.approx(one.parts, rel=1e-5)
    calls, original = [], tf.recompute_grad
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf, "recompute_grad", lambda f: calls.append(field) or original(f))
        for value in (False, True):
            model = build(name, **{field: value})
            model._generate(model.generator_a2b, tf.zeros((1, 32, 32, 3)))
            assert len(calls) == value


BOTH_JUDGES = says_score("discriminator_a", "discriminator_b")
JUDGE = says_score("discriminator")

TRANSLATORS = {
    "pix2pix": {
        **ADAM,
        "decay_epochs": rates(
            "generator", {4: {0: 1, 6: 0.8, 14: 0}, 0: {0: 1, 14: 1}}, steps_per_epoch=2
        ),
        "family": passed("build_unet", "family", ("authors", "ganime"), "generator"),
        "filters": width("generator", "discriminator"),
        "levels": depth("generator", kernels_each=2),
        "norm": passed("build_unet", "norm", ("batch", "instance"), "generator"),
        "dropout": dropout("generator", layers=3),
        "upsample": passed("build_unet", "upsample", ("transpose", "resize"), "generator"),
        "full_skip": passed("build_unet", "full_skip", (False, True), "generator"),
        "patch_size": passed("build_patchgan", "patch_size", (16, 34), "discriminator"),
        "adversarial": adversarial(JUDGE, 1, "bce", "lsgan", discriminator_scale=1.0),
        "l1_weight": term("g_l1"),
        "tv_weight": term("g_tv"),
        "tv_reduction": total_variation_is_a_sum_or_a_mean,
        "discriminator_scale": judges_count,
        "update_order": order(
            simultaneous=["generator", "discriminator"],
            discriminator_first=["discriminator", "generator"],
        ),
        "inference": sources_translate_by_chance,
    },
    "cyclegan": {
        **ADAM,
        "decay_epochs": rates(
            "generator", {4: {0: 1, 6: 0.8, 14: 0}, 0: {0: 1, 14: 1}}, steps_per_epoch=2
        ),
        "generator": chooses({"unet": "build_unet", "resnet": "build_resnet"}),
        "family": passed(
            "build_unet", "family", ("authors", "ganime"), "generator_a2b", generator="unet"
        ),
        "filters": width("generator_a2b", "generator_b2a", "discriminator_a", "discriminator_b"),
        "num_blocks": depth("generator_a2b", "generator_b2a", kernels_each=2),
        "levels": depth("generator_a2b", kernels_each=2, generator="unet", levels=4),
        "dropout": dropout("generator_a2b", "generator_b2a", layers=2),
        "patch_size": passed(
            "build_patchgan", "patch_size", (16, 34), "discriminator_a", "discriminator_b"
        ),
        "adversarial": adversarial(BOTH_JUDGES, 2, "lsgan", "bce", scale=0.5),
        "cycle_weight": term("g_cycle", identity_weight=0.0),
        "identity_weight": term("g_identity", factor=10.0),
        "discriminator_scale": judges_count,
        "pool_size": pool_keeps,
        "update_order": order(
            joint=["generator", "discriminator"],
            alternating=["generator_a2b", "discriminator_b", "generator_b2a", "discriminator_a"],
        ),
    },
    "cartoongan": {
        **ADAM,
        "init_epochs": first_epochs_are_content,
        "step_decay": rates(
            "generator", {True: {0: 1, 25: 0.1, 35: 0.01}, False: {35: 1}}, steps_per_epoch=10
        ),
        "filters": width("generator"),
        "num_blocks": depth("generator", kernels_each=2),
        "discriminator_filters": width("discriminator"),
        "norm_epsilon": norms_have("generator"),
        "adversarial": adversarial(JUDGE, 1, "bce", "lsgan", fakes=2),
        "content_weight": term("g_content"),
        "features": loads("ganime_tf.models.stylizer.load_features", ("vgg19", "random")),
    },
    "animegan": {
        "beta_1": setting("beta_1"),
        "beta_2": setting("beta_2"),
        "epsilon": setting("epsilon"),
        "init_epochs": first_epochs_are_content,
        "variant": chooses(
            {
                "v1": "build_animegan_v1",
                "v2": "build_animegan_v2",
                "v2-lite": "build_animegan_v2_lite",
            }
        ),
        "filters": width("generator"),
        "discriminator_filters": width("discriminator"),
        "resize": stretched_as_named,
        "norm_epsilon": norms_have("generator", variant="v2"),
        "init_learning_rate": setting("learning_rate", "initialization", init_epochs=1),
        "generator_learning_rate": setting("learning_rate", "generator", init_epochs=1),
        "discriminator_learning_rate": setting("learning_rate", "discriminator", init_epochs=1),
        "adversarial": adversarial(
            JUDGE,
            1,
            "lsgan",
            "bce",
            fakes=3,
            real_weight=1.0,
            fake_weight=1.0,
            grey_weight=1.0,
            smooth_weight=1.0,
        ),
        "generator_weight": term("g_adversarial"),
        "discriminator_weight": term("d_loss", "discriminator"),
        **dict.fromkeys(
            ("real_weight", "fake_weight", "grey_weight", "smooth_weight"),
            grey_pictures_are_weighted(JUDGE),
        ),
        "content_weight": term("g_content"),
        "style_weight": term("g_style"),
        "colour_weight": term("g_colour"),
        "tv_weight": term("g_tv"),
        "features": loads("ganime_tf.models.stylizer.load_features", ("vgg19", "random")),
    },
    "ugatit": {
        **ADAM,
        "variant": passed("build_ugatit_generator", "variant", ("torch", "tf1"), "generator_a2b"),
        "light": passed("build_ugatit_generator", "light", (True, False), "generator_a2b"),
        "mlp_downsample": passed(
            "build_ugatit_generator", "mlp_downsample", (1, 2), "generator_b2a", light=False
        ),
        "filters": width("generator_a2b", "global_discriminator_a", "local_discriminator_b"),
        "num_blocks": depth("generator_a2b", "generator_b2a", kernels_each=4),
        "global_layers": depth("global_discriminator_a", "global_discriminator_b", kernels_each=1),
        "local_layers": depth("local_discriminator_a", "local_discriminator_b", kernels_each=1),
        "decay": rates(
            "generator", {True: {0: 1, 7: 1, 11: 0.5}, False: {11: 1}}, steps_per_epoch=2
        ),
        "weight_decay": l2("generator"),
        "adversarial_weight": term("g_adversarial", also={"discriminator": "d_loss"}),
        "cycle_weight": term("g_cycle"),
        "identity_weight": term("g_identity"),
        "cam_weight": term("g_cam"),
        "recompute": recomputes,
    },
    "munit": {
        **ADAM,
        "decay_every": rates(
            "generator", {10: {0: 1, 9: 0.5, 19: 0.25}, 5: {9: 0.25}}, steps_per_epoch=2
        ),
        "decay_rate": rates("generator", {0.5: {1000: 0.5}, 0.1: {1000: 0.1}}, steps_per_epoch=2),
        "l2_weight": l2("generator"),
        "decoder": passed(
            "networks.build_munit_decoder", "decoder", ("munit", "anigan"), "decoder_a", "decoder_b"
        ),
        "filters": width("content_encoder_a", "style_encoder_b"),
        "style_size": codes_are_that_long,
        "num_downsample": halves_so_often,
        "num_blocks": depth("content_encoder_a", "decoder_b", kernels_each=2),
        "mlp_width": passed("networks.build_munit_decoder", "mlp_width", (8, 16), "decoder_a"),
        "discriminator_filters": width("discriminator_a", "discriminator_b"),
        "discriminator_layers": depth("discriminator_a", kernels_each=1, num_scales=1),
        "num_scales": judges_at_so_many_scales,
        "adversarial": adversarial(BOTH_JUDGES, 4, "lsgan", "bce"),
        "gan_weight": term("g_adversarial", also={"discriminator": "d_loss"}),
        "image_weight": term("g_image"),
        "style_weight": term("g_style"),
        "content_weight": term("g_content"),
        "cycle_weight": term("g_cycle"),
        "perceptual_weight": term("g_perceptual", perceptual="random"),
        "perceptual": loads(
            "ganime_tf.models.munit.load_features", ("vgg16", "random"), perceptual_weight=1.0
        ),
    },
}
