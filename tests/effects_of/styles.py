"""What every field of AniGAN, Face2Anime, XGAN and the classifier does."""

import numpy as np
import pytest
import tensorflow as tf
from effects import (
    ADAM,
    SCORE,
    adversarial,
    build,
    depth,
    dropout,
    gradients,
    kernels,
    l2,
    loads,
    observe,
    parts,
    passed,
    pool_keeps,
    rates,
    says_score,
    seen,
    setting,
    term,
    width,
)

DECAY = rates("generator", {4: {0: 1, 6: 0.8, 14: 0}, 0: {0: 1, 14: 1}}, steps_per_epoch=2)
BOTH_JUDGES = says_score("discriminator_a", "discriminator_b")


def optimizer_is(**kinds):
    """The kind of the optimizer of every group, by value of the field."""

    def check(name, field):
        for value, kind in kinds.items():
            made = build(name, **{field: value}).default_optimizers(None)
            assert {type(optimizer).__name__ for optimizer in made.values()} == {kind}

    return check


def judges_of_critics_and_others(name, field):
    adversarial(BOTH_JUDGES, 2, "lsgan", "bce", scale=0.5)(name, field)
    clipped = observe(name, prepare=BOTH_JUDGES, adversarial="wgan-clip")
    assert clipped.parts["g_adversarial"] == pytest.approx(-2 * SCORE, rel=1e-4)
    assert clipped.parts["d_loss"] == pytest.approx(0.0, abs=1e-5)
    assert "d_penalty" in observe(name, adversarial="wgan-gp").parts
    assert "d_penalty" not in clipped.parts


def judges_count(name, field):
    one, two = (observe(name, fields={field: scale}) for scale in (0.25, 1.0))
    assert two.parts["d_loss"] == pytest.approx(4 * one.parts["d_loss"], rel=1e-5)
    assert two.total("generator") == pytest.approx(one.total("generator"), rel=1e-5)


def generators_wait(name, field):
    for steps in (1, 3):
        model = build(name, adversarial="wgan-gp", **{field: steps})
        learns = [model.plan(step)["generators"] for step in range(6)]
        assert learns == [step % steps == steps - 1 for step in range(6)]


def encoder_has_so_many_blocks(name, field):
    found = {}
    for value in (0, 1, 2):
        model = build(name, num_blocks=2, **{field: value})
        found[value] = [len(kernels(net)) for net in (model.encoder_a2b, model.decoder_a2b)]
    assert found[1][0] - found[0][0] == found[2][0] - found[1][0] == 2
    assert {sum(each) for each in found.values()} == {sum(found[0])}


def domains_learn_in_turn_or_at_once(name, field):
    turns = observe(name, **{field: "alternating"})
    at_once = observe(name, **{field: "reversal"})
    assert "g_domain" in turns.parts and "g_domain" not in at_once.parts
    assert at_once.parts["d_domain"] == pytest.approx(turns.parts["d_domain"], rel=1e-4)
    after_generators = at_once.groups.index("generator") + 1
    assert at_once.groups[after_generators] == "domain"


def features_are_of_these_layers(name, field):
    for layers in (("block1_conv2",), ("block1_conv1", "block2_conv2")):
        model = build(name, **{field: layers})
        assert tuple(model.features(tf.zeros((1, 32, 32, 3)))) == layers


def recognizer_has_these_widths(option, value):
    """The borrowed classifier of the package, whose widths the field names."""

    def check(name, field):
        for widths in ((4, 8), (4, 8, 16)):
            changes = {option: value, field: widths}
            if name == "xgan":
                changes["teacher_weight"] = 1.0
            else:
                changes["perceptual_layers"] = ()
            model = build(name, **changes)
            outputs = model.recognizer(tf.zeros((1, 32, 32, 3)))
            assert outputs[f"level{len(widths)}"].shape[-1] == widths[-1]

    return check


def codes_are_that_long(name, field):
    for size in (8, 12):
        model = build(name, **{field: size})
        assert model.encode(model.encoder_a, tf.zeros((2, 32, 32, 3)), False).shape == (2, size)


def codes_end_one_sided_or_not(name, field):
    pictures = tf.random.stateless_uniform((8, 32, 32, 3), (0, 0), -1, 1)
    for value, one_sided in (("norm", False), ("relu", True)):
        model = build(name, **{field: value})
        code = model.encode(model.encoder_a, pictures, True)
        assert bool(tf.reduce_all(code >= 0)) == one_sided


def judged_translations(name, field):
    for value, domains in (("a2b", {"b"}), ("both", {"a", "b"})):
        model = build(name, **{field: value})
        assert set(model.judges) == domains and len(model.groups["discriminator"]) == len(domains)


def weight_rises_or_not(name, field):
    for value, wanted in (("constant", (0.7, 0.7)), ("ramp", (0.0, 0.7 * np.tanh(5.0)))):
        model = build(name, domain_weight=0.7, **{field: value})
        model.compile(steps_per_epoch=10)
        for step, factor in zip((0, 80), wanted, strict=True):  # of 8 epochs
            model.step.assign(step)
            assert float(model.domain_factor()) == pytest.approx(factor, abs=1e-4)


def hidden_widths(name, field):
    for widths in ((8,), (12, 6)):
        model = build(name, **{field: widths})
        assert tuple(shape[-1] for shape in kernels(model.domain_classifier)) == (*widths, 1)


def classifier_is_normalized(name, field):
    for value in (False, True):
        layers = build(name, **{field: value}).domain_classifier.layers
        assert any("norm" in layer.name for layer in layers) == value


def head_has_that_many(name, field):
    for number in (3, 5):
        model = build(name, **{field: number})
        assert model(tf.zeros((2, 32, 32, 3))).shape == (2, number)


def levels_have_these_widths(name, field):
    for widths in ((4,), (6, 10, 12)):
        model = build(name, **{field: widths})
        levels = model.recognizer(tf.zeros((1, 32, 32, 3)))
        assert [levels[f"level{k + 1}"].shape[-1] for k in range(len(widths))] == list(widths)


SEMANTIC = {
    "semantic_weight": term("g_semantic"),
    "semantic_norm": parts("g_semantic", values=("l1", "l2")),
    "semantic_detach": gradients("generator", values=(False, True)),
}
DOMAIN = {
    "domain_loss": parts("d_domain", "g_domain", values=("lsgan", "bce")),
    "domain_update": domains_learn_in_turn_or_at_once,
    "domain_target": parts("g_domain", values=("swap", "confuse")),
}

STYLES = {
    "anigan": {
        "learning_rate": setting("learning_rate"),
        "beta_1": setting("beta_1", optimizer="adam"),
        "beta_2": setting("rho"),
        "epsilon": setting("epsilon"),
        "optimizer": optimizer_is(adam="Adam", rmsprop="RMSpropAfterRoot"),
        "l2_weight": l2("generator"),
        "encoders": seen("models/test_anigan.py::test_encoders_are_a_choice"),
        "filters": width("content_encoder", "discriminator_trunk"),
        "mlp_width": passed("networks.build_anigan_decoder", "mlp_width", (8, 16), "decoder"),
        "adversarial": adversarial(BOTH_JUDGES, 2, "hinge", "lsgan", "bce", gradient_penalty=0.0),
        "adversarial_reconstruction": parts("g_adversarial", values=(False, True)),
        "gradient_penalty": term("d_penalty", "discriminator"),
        "reconstruction_weight": term("g_reconstruction"),
        "feature_weight": term("g_features"),
        "domain_feature_weight": term("g_domain_features"),
        "feature_matching": parts(
            "g_features", "g_domain_features", values=("reconstruction", "both")
        ),
    },
    "face2anime": {
        **ADAM,
        "decay_epochs": DECAY,
        "optimizer": optimizer_is(adam="Adam", rmsprop="RMSpropAfterRoot"),
        "filters": width("encoder_a2b", "encoder_b2a", "discriminator_a", "discriminator_b"),
        "num_blocks": depth("decoder_a2b", "decoder_b2a", kernels_each=2),
        "encoder_blocks": encoder_has_so_many_blocks,
        "dropout": dropout("encoder_a2b", "encoder_b2a"),
        "patch_size": passed("build_patchgan", "patch_size", (16, 34), "discriminator_a"),
        "pool_size": pool_keeps,
        "adversarial": judges_of_critics_and_others,
        "discriminator_scale": judges_count,
        "critic_steps": generators_wait,
        "penalty_weight": term("d_penalty", "discriminator", adversarial="wgan-gp"),
        "penalty_of": parts("d_penalty", values=("mean", "sum"), adversarial="wgan-gp"),
        "penalty_one_sided": parts("d_penalty", values=(False, True), adversarial="wgan-gp"),
        "clip": seen("models/test_face2anime.py::test_clipped_critics_stay_within_their_limit"),
        "cycle_weight": term("g_cycle", identity_weight=0.0),
        "identity_weight": term("g_identity", factor=10.0),
        **SEMANTIC,
        "domain_weight": term("g_domain"),
        **DOMAIN,
        "domain_filters": width("domain_classifier"),
        "perceptual_weight": term("g_perceptual"),
        "perceptual": loads("ganime_tf.models.face2anime.load_features", ("vgg19", "random")),
        "perceptual_layers": features_are_of_these_layers,
        "perceptual_relative": parts("g_perceptual", values=(True, False)),
        "classifier_filters": recognizer_has_these_widths("perceptual", "anime-classifier"),
    },
    "xgan": {
        "learning_rate": setting("learning_rate", "generator"),
        "judge_rate": setting("learning_rate", "discriminator", "domain"),
        "beta_1": setting("beta_1"),
        "beta_2": setting("beta_2"),
        "filters": width("encoder_a", "encoder_b"),
        "code_size": codes_are_that_long,
        "order": passed(
            "networks.build_own_encoder", "order", ("norm_first", "activation_first"), "encoder_a"
        ),
        "code_end": codes_end_one_sided_or_not,
        "up_kernel": passed("networks.build_own_decoder", "up_kernel", (2, 4), "decoder_a"),
        "dropout": dropout("shared_encoder"),
        "gan": judged_translations,
        "reconstruction_weight": term("g_reconstruction"),
        "domain_weight": term("g_domain", domain_schedule="constant"),
        "domain_schedule": weight_rises_or_not,
        **DOMAIN,
        "classifier_widths": hidden_widths,
        "classifier_norm": classifier_is_normalized,
        **SEMANTIC,
        "gan_weight": term("g_adversarial"),
        "teacher_weight": term("g_teacher", teacher="random"),
        "teacher": loads(
            "ganime_tf.models.xgan.load_features", ("vgg19", "random"), teacher_weight=1.0
        ),
        "teacher_norm": parts(
            "g_teacher", values=("l1", "l2"), teacher="random", teacher_weight=1.0
        ),
        "teacher_filters": recognizer_has_these_widths("teacher", "anime-classifier"),
    },
    "anime-classifier": {
        "num_labels": head_has_that_many,
        "filters": levels_have_these_widths,
        "dropout": dropout("head"),
        "learning_rate": setting("learning_rate"),
        "weight_decay": l2("classifier", lambda variable: variable.path.endswith("kernel")),
    },
}
