"""What every field of StyleGAN2, StyleAnime, the parsers and the stages of disentangling does."""

import numpy as np
import pytest
import tensorflow as tf
from effects import (
    build,
    depth,
    hidden,
    kernels,
    l2,
    observe,
    parts,
    passed,
    rates,
    setting,
    term,
    width,
)

from ganime_tf.layers.face_bank import bank_weights
from ganime_tf.layers.minibatch_std import MinibatchStd
from ganime_tf.layers.random import random_scope


def average_follows_a_ramp(name, field):
    model = build(name, **{field: 0.0})
    assert float(model.average_decay(tf.constant(2))) == pytest.approx(model.config.ema_decay)
    ramped = build(name, **{field: 0.05})
    half_life = 0.05 * 16  # after a batch of 16
    assert float(ramped.average_decay(tf.constant(2))) == pytest.approx(0.5 ** (16 / half_life))


def channels_are_of_a_base_and_a_limit(*networks):
    """The kernels of a resolution: the base over the resolution, at most the limit."""

    def check(name, field):
        for value in (32, 48, 512):
            model = build(name, **{field: value})
            config = model.config
            wanted = {min(config.channel_base // r, config.channel_max) for r in (4, 8, 16, 32)}
            for network in networks:
                shapes = kernels(getattr(model, network))
                assert {s[3] for s in shapes if len(s) == 4 and s[0] == 3} == wanted, network

    return check


def groups_have_that_size(network):
    def check(name, field):
        for value in (2, 4):
            layers = getattr(build(name, **{field: value}), network)._flatten_layers()
            found = [layer.group_size for layer in layers if isinstance(layer, MinibatchStd)]
            assert found == [value]

    return check


def plan_has(key):
    """The planned regularization comes back after as many steps as the field says."""

    def check(name, field):
        for interval in (2, 5):
            model = build(name, **{field: interval})
            assert [model.plan(step)[key] for step in range(11)] == [
                step % interval == 0 for step in range(11)
            ]

    return check


def path_mean_moves_by(name, field):
    means = {}
    for value in (0.25, 1.0):
        model = build(name, **{field: value})
        model.minimize = lambda *args: None
        with random_scope(0, tf.constant(0, tf.int64)):
            model._regularize_generator(2)
        means[value] = float(model.path_mean)
    assert means[0.25] == pytest.approx(0.25 * means[1.0], rel=1e-4) and means[1.0] > 0


def styles_are_mixed(name, field):
    for value, mixed in ((0.0, False), (1.0, True)):
        model = build(name, **{field: value})
        with random_scope(0, tf.constant(0, tf.int64)):
            _, ws = model._generate(2, "g")
        assert bool(tf.reduce_any(ws[:, :1] != ws[:, -1:])) == mixed


def pictures_are_augmented(name, field):
    picture = tf.random.stateless_uniform((2, 32, 32, 3), (0, 0), -1, 1)
    changed = {}
    for value in ("none", "bgc", "bgcfnc"):
        model = build(name, **{field: value})
        model.strength.probability.assign(1.0)
        with random_scope(0, tf.constant(0, tf.int64)):
            changed[value] = model._augment(picture, "d").numpy()
        assert model.plan(3)["adapt"] == (value != "none")
    assert np.array_equal(changed["none"], picture)
    assert np.abs(changed["bgc"] - picture).max() > 0.1
    assert np.abs(changed["bgcfnc"] - changed["bgc"]).max() > 0.1


def strength_moves_towards(name, field):
    for value, sign in ((0.2, 1.0), (0.8, -1.0)):
        model = build(name, augment="bgc", **{field: value})
        model.strength.probability.assign(0.5)
        model.strength.observe(tf.constant([1.0] * 3 + [-1.0]))  # mean sign 0.5
        model.strength.update(16)
        assert np.sign(float(model.strength.probability) - 0.5) == sign


def strength_moves_by(name, field):
    for value in (640, 6400):
        model = build(name, augment="bgc", **{field: value})
        model.strength.observe(tf.ones(4))
        model.strength.update(16)
        assert float(model.strength.probability) == pytest.approx(4 * 16 / value)


# StyleAnime.


def maps_have_these_classes(name, field):
    for names in (("background", "hair"), ("background", "skin", "hair")):
        model = build(name, **{field: names})
        assert model.structure.input_shape[-1] == len(names)
        assert model.regions.tolist()[0] == [float(each == "hair") for each in names]


def stages_have_so_many_units(name, field):
    one, two = (build(name, **{field: units}) for units in ((1, 1, 1, 1), (1, 1, 3, 1)))
    for network in ("structure", "appearance"):
        grown = len(kernels(getattr(two, network))) - len(kernels(getattr(one, network)))
        assert grown and grown % 2 == 0


def so_many_latents_are_the_pictures(name, field):
    for number in (2, 4):
        model = build(name, **{field: number})
        assert model.num_appearance == number and model.style_size == number * 64
        assert model.appearance.output_shape[1] == number


def encoders_are_kept(name, field):
    missing = {"parsing_encoder": "structure", "style_encoder": "appearance"}[field]
    assert getattr(build(name, **{field: True}), missing) is not None
    without = build(name, **{field: False})
    assert getattr(without, missing) is None
    left = without.appearance if missing == "structure" else without.structure
    assert left.output_shape[1] == without.num_structure + without.num_appearance


def encoders_are_shared(name, field):
    own = {"share_parsing_encoder": "structure", "share_style_encoder": "appearance"}[field]
    assert getattr(build(name, **{field: True}), f"{own}_of_a") is None
    apart = build(name, **{field: False})
    assert getattr(apart, f"{own}_of_a") in apart.groups["generator"]


def encoders_optimizer(name, field):
    for value, kind in (("adam", "Adam"), ("ranger", "Ranger")):
        made = build(name, **{field: value}).default_optimizers(None)
        kinds = {group: type(optimizer).__name__ for group, optimizer in made.items()}
        assert kinds.pop("generator") == kind and set(kinds.values()) == {"Adam"}


def distance_is_of(name, field):
    asked = []
    for value, wanted in (("lpips-alex", "alex"), ("lpips-squeeze", "squeeze")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "ganime_tf.models.styleanime.load_lpips_network",
                lambda kind: (asked.append(kind), None),
            )
            build(name, **{field: value}).load_pretrained()
        assert asked[-1] == wanted
    build(name, **{field: "random"}).load_pretrained()
    assert asked == ["alex", "squeeze"]


def colours_count(*classes):
    """The loss of colours is that of the pixels of these classes, times the field."""

    def check(name, field):
        losses = [
            observe(name, class_names=classes, fields={field: value}).parts["g_colour"]
            for value in (0.0, 1.0, 3.0)
        ]
        assert losses[2] - losses[0] == pytest.approx(3 * (losses[1] - losses[0]), rel=1e-3)
        assert losses[1] > losses[0]

    return check


def judged_latents_have_layers(name, field):
    counts = [
        len(kernels(build(name, **{field: value}).latent_discriminator))
        for value in ("paper", "released")
    ]
    assert counts == [4, 5]


def portraits_are_judged_too(name, field):
    one, two = (observe(name, fields={field: value}) for value in (False, True))
    assert two.parts["g_image"] > 1.3 * one.parts["g_image"] > 0
    assert two.parts["d_image"] == pytest.approx(one.parts["d_image"], rel=1e-4)


def encodes_again(name, field):
    calls = []
    for value, times in ((False, 2), (True, 4)):

        def count(model):
            original = model.encode
            model.encode = lambda *args: calls.append(1) or original(*args)

        calls.clear()
        observe(name, prepare=count, **{field: value})
        assert len(calls) == times


def identity_counts(name, field):
    config = build(name).config
    with pytest.raises(ValueError, match="256 px"):
        type(config)(image_size=64, load_size=64, identity_weight=1.0)


def bank_holds(name, field):
    for value in (16, 24):
        model = build(name, **{field: value})
        model.fill_bank()
        codes = np.array(model.bank.codes)
        assert codes.shape[0] == value and len(np.unique(codes, axis=0)) == value


def anchors_have_neighbours(name, field):
    for value in (1, 3):
        model = build(name, **{field: value})
        model.fill_bank()
        assert model.bank.nearest(tf.zeros((2, 8, 64))).shape == (2, value)


def portraits_keep_their_share(name, field):
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    maps = np.zeros((32, 32), np.int32)
    for value in (1.0, 0.25):
        model = build(name, **{field: value})
        model.fill_bank()
        given = model.run(image=picture, parsing=maps, truncation=value)
        assert np.array_equal(model.run(image=picture, parsing=maps), given)
    assert not np.array_equal(model.run(image=picture, parsing=maps, truncation=1.0), given)


def anchors_are_weighted(name, field):
    """The released code pulls the first neighbour's weight to 1."""
    codes = tf.random.stateless_normal((4, 8, 64), (1, 1))
    far = {}
    for value in ("paper", "released"):
        model = build(name, **{field: value})
        model.fill_bank()
        neighbours = tf.gather(tf.convert_to_tensor(model.bank.codes), model.bank.nearest(codes))
        weights = bank_weights(codes, neighbours[:, :, None], value == "released")
        anchor = tf.einsum("nk,nkc->nc", weights, neighbours)
        found = model.bank(codes, alpha=0.0)
        np.testing.assert_allclose(found[:, 0], anchor, atol=1e-4)
        far[value] = np.abs(weights[:, 0] - 1).mean()
    assert far["released"] < far["paper"]


# Parsers.


def scores_have_so_many_classes(name, field):
    for number in (3, 5):
        assert build(name, **{field: number})(tf.zeros((1, 64, 64, 3))).shape[-1] == number


def small_pictures_keep_their_size(builder):
    check = passed(builder, "small_input", (True, False), "network")

    def both(name, field):
        check(name, field)
        strides = [build(name, **{field: value}).stride for value in (True, False)]
        assert strides[0] < strides[1]

    return both


def parsers_optimizer(name, field):
    for value, kind in (("adam", "Adam"), ("sgd", "HeadSGD")):
        (made,) = build(name, **{field: value}).default_optimizers(None).values()
        assert type(made).__name__ == kind


def multi_grid(name, field):
    dilations = []
    for value in (False, True):
        model = build(name, depth=50, **{field: value})
        layers = model.network._flatten_layers(include_self=False)
        found = [layer.dilation_rate[0] for layer in layers if hasattr(layer, "dilation_rate")]
        dilations.append(set(found))
    assert dilations[1] - dilations[0] >= {8, 16}


def heads_count(name, field):
    """One more output where it has a weight, and the total grows by its loss."""
    bare = observe(name, **{field: 0.0})
    one = observe(name, **{field: 0.5})
    two = observe(name, **{field: 0.5}, fields={field: 1.5})
    assert len(one.model.network.outputs) == len(bare.model.network.outputs) + 1
    extra = two.total("generator") - one.total("generator")
    assert extra == pytest.approx(np.log(17), rel=0.3)  # an untrained head's cross-entropy


def hard_pixels(name, field):
    """The loss of the hardest pixels falls as more of them count."""
    few, many = {"hard_share": (0.05, 1.0), "hard_threshold": (0.9, 0.01)}[field]
    other = {"hard_share": {"hard_threshold": 0.01}, "hard_threshold": {"hard_share": 0.01}}[field]
    values = (few, many) if field == "hard_share" else (many, few)
    one, two = (observe(name, fields=other | {field: value}).parts["result"] for value in values)
    assert one > 1.01 * two


def warms_up(name, field):
    rates("generator", {10: {10: 1.0}, 0: {0: 1.0}}, steps_per_epoch=100)(name, field)
    cold = rates("generator", {10: {0: 1e-5 / 2e-3}}, steps_per_epoch=100)
    cold(name, field)


# Disentangling.


def codes_of(attribute):
    def check(name, field):
        for size in (4, 6):
            model = build(name, **{field: size})
            if attribute == "style":
                assert model.style(tf.constant([0]))[0].shape == (1, size)
            else:
                assert model.encoder(tf.zeros((1, 16, 16, 3)))[0].shape == (1, size)

    return check


def artists_have_rows(name, field):
    for number in (3, 7):
        model = build(name, **{field: number})
        judge = getattr(model, "content_classifier", None) or model.classifier
        assert judge.output_shape == (None, number)
        if hasattr(model, "style"):
            assert model.style.mean.shape[0] == number


def artists_have_names(name, field):
    names = tuple(f"artist {k}" for k in range(44))
    assert build(name, **{field: names}).label_names == names
    assert build(name).label_names == tuple(map(str, range(44)))


def sizes(*networks):
    def check(name, field):
        values = {"filters": ((16,), (16, 24)), "dense": (24, 48)}[field]
        models = [build(name, **{field: value}) for value in values]
        for network in networks:
            one, two = (
                [tuple(w.shape) for w in getattr(model, network).weights] for model in models
            )
            assert one != two, network
            if field == "dense":
                assert any(values[1] in shape for shape in two)

    return check


def pixels_move(name, field):
    for value, outputs in ((False, 1), (True, 2)):
        assert len(build(name, **{field: value}).generator.outputs) == outputs


def rates_grow(group):
    def check(name, field):
        rates(group, {10: {0: 0.0, 5: 0.5, 10: 1.0}, 0: {0: 1.0}}, steps_per_epoch=100)(name, field)

    return check


def clamps(name, field):
    """The author's code redraws in the styles of the batch; the paper in drawn artists'."""
    asked = []

    def spy(model):
        original = model._other_artists
        model._other_artists = lambda count: asked.append(1) or original(count)

    observe(name, prepare=spy, **{field: True})
    assert not asked
    observe(name, prepare=spy, **{field: False})
    assert asked


def classifier_sees_drawn_pictures(name, field):
    one, two = (observe(name, fields={field: v}).parts["c_loss"] for v in (False, True))
    assert two > one


def draws_every(name, field):
    for value in (1, 3):
        model = build(name, **{field: value})
        assert [model.plan(step)["draw"] for step in range(6)] == [
            step % value == value - 1 for step in range(6)
        ]


def says_one(model):
    """Penalties of 1 in place of the warp's and the batch regularization's."""
    if hasattr(model, "_draw"):
        draw = model._draw
        model._draw = lambda *codes: (draw(*codes)[0], tf.constant(1.0))
    scores = model._scores_of
    model._scores_of = lambda judge, x: (scores(judge, x)[0], tf.constant(1.0))


def styles_diverge_by_one(model):
    model.style.divergence = lambda: tf.constant([0.75, 0.25])


def blocks_pool(network):
    def check(name, field):
        x = tf.random.stateless_uniform((2, 16, 16, 3), (0, 0), -1, 1)
        drawn = [
            np.ravel(
                tf.nest.flatten(
                    getattr(build(name, filters=(16, 16), **{field: value}), network)(x)
                )[0]
            )
            for value in (False, True)
        ]
        assert np.abs(drawn[0] - drawn[1]).max() > 1e-4

    return check


DRAWING = {
    "filters": sizes("encoder", "generator"),
    "dense": sizes("encoder", "generator"),
    "content_size": codes_of("content"),
    "style_size": codes_of("style"),
    "bus": blocks_pool("encoder"),
    "warp": pixels_move,
}
ARTISTS = {"num_artists": artists_have_rows, "artists": artists_have_names}

PARSER = {
    "num_classes": scores_have_so_many_classes,
    "optimizer": parsers_optimizer,
    "learning_rate": setting("learning_rate"),
    "head_rate": setting("head_rate", optimizer="sgd"),
    "momentum": setting("momentum", optimizer="sgd"),
    "l2_weight": l2("generator"),
    "power": rates(
        "generator",
        {1.0: {750: 0.5}, 2.0: {750: 0.25}},
        steps_per_epoch=1,
        num_steps=1500,
        warmup_steps=0,
    ),  # fmt: skip
    "warmup_steps": warms_up,
}

PRIOR = {
    "latent_size": width("mapping", axis=0),
    "style_size": width("mapping", index=1),
    "mapping_layers": depth("mapping", kernels_each=1),
    "channel_base": channels_are_of_a_base_and_a_limit("synthesis", "discriminator"),
    "channel_max": channels_are_of_a_base_and_a_limit("synthesis", "discriminator"),
    "group_size": groups_have_that_size("discriminator"),
}

OTHERS = {
    "stylegan2": {
        "ema_ramp": average_follows_a_ramp,
        **PRIOR,
        "learning_rate": setting(
            "learning_rate", change=lambda v: v, path_length_weight=0.0, r1_interval=10**9
        ),  # fmt: skip
        "beta_2": setting("beta_2", path_length_weight=0.0, r1_interval=10**9),
        "epsilon": setting("epsilon"),
        "r1_weight": term("d_r1", "discriminator", factor=8.0, plan=(("r1", True),), count=4),
        "r1_interval": plan_has("r1"),
        "path_length_weight": term(
            "g_path_length", factor=4.0, plan=(("path_length", True),), count=4
        ),
        "path_length_interval": plan_has("path_length"),
        "path_length_decay": path_mean_moves_by,
        "mixing_probability": styles_are_mixed,
        "augment": pictures_are_augmented,
        "augment_target": strength_moves_towards,
        "augment_images": strength_moves_by,
    },
    "styleanime": {
        "class_names": maps_have_these_classes,
        **PRIOR,
        "units": stages_have_so_many_units,
        "filters": width("structure", "appearance"),
        "appearance_codes": so_many_latents_are_the_pictures,
        "parsing_encoder": encoders_are_kept,
        "style_encoder": encoders_are_kept,
        "share_parsing_encoder": encoders_are_shared,
        "share_style_encoder": encoders_are_shared,
        "optimizer": encoders_optimizer,
        "learning_rate": setting("learning_rate"),
        "reconstruction_weight": term("g_reconstruction"),
        "perceptual_weight": term("g_perceptual"),
        "perceptual": distance_is_of,
        "colour_weight": term("g_colour"),
        "colour_distance": parts("g_colour", values=("squared", "absolute")),
        "hair_weight": colours_count("hair", "skin"),
        "skin_weight": colours_count("hair", "skin"),
        "eyes_weight": colours_count("l_eye", "r_eye"),
        "latent_weight": term("g_latent"),
        "latent_layers": judged_latents_have_layers,
        "adversarial_weight": term("g_image"),
        "adversarial_source": portraits_are_judged_too,
        "r1_weight": term("d_r1", "discriminator", factor=0.5),
        "norm_weight": term("g_norm"),
        "identity_weight": identity_counts,
        "second_forward": encodes_again,
        "bank_size": bank_holds,
        "bank_neighbours": anchors_have_neighbours,
        "bank_alpha": portraits_keep_their_share,
        "bank_weights": anchors_are_weighted,
    },
    "parsing-bisenet": {
        **PARSER,
        "l2_weight": l2("generator", lambda variable: len(variable.shape) > 1),
        "filters": width("network"),
        "small_input": small_pictures_keep_their_size("build_bisenet"),
        "hard_share": hard_pixels,
        "hard_threshold": hard_pixels,
    },
    "parsing-danet": {
        **PARSER,
        "filters": width("network"),
        "small_input": small_pictures_keep_their_size("build_danet"),
        "head": passed("build_danet", "head", ("danet", "fcn"), "network"),
        "depth": passed("build_danet", "depth", (18, 50), "network"),
        "multi_grid": multi_grid,
        "deep_stem": passed(
            "build_danet", "deep_stem", (False, True), "network", small_input=False
        ),  # fmt: skip
        "auxiliary_weight": heads_count,
    },
    "disentangle-stage1": {
        **DRAWING,
        **ARTISTS,
        "ramp_steps": rates_grow("generator"),
        "epsilon": setting("epsilon", "generator", "content_classifier"),
        "learning_rate": setting("learning_rate", "generator", "content_classifier"),
        "style_rate": setting("learning_rate", "style"),
        "adversarial_weight": term("c_gain", "generator", "style", factor=-1.0),
        "content_kl_weight": term("content_kl", "generator", "style"),
        "style_kl_weight": hidden(styles_diverge_by_one, "generator", "style"),
        "warp_weight": hidden(says_one, "generator", "style"),
        "regularization_weight": hidden(says_one, "content_classifier"),
        "clamp": clamps,
    },
    "disentangle-c2": {
        **ARTISTS,
        "filters": sizes("classifier"),
        "dense": sizes("classifier"),
        "bus": blocks_pool("classifier"),
        "ramp_steps": rates_grow("classifier"),
        "epsilon": setting("epsilon"),
        "learning_rate": setting("learning_rate"),
        "regularization_weight": hidden(says_one, "classifier"),
    },
    "disentangle-stage2": {
        **DRAWING,
        **ARTISTS,
        "ramp_steps": rates_grow("generator"),
        "epsilon": setting("epsilon", "generator", "discriminator", "classifier", "style"),
        "learning_rate": setting("learning_rate", "generator", "discriminator", "classifier"),
        "style_rate": setting("learning_rate", "style"),
        "realness_weight": term("g_realness", "generator", "style"),
        "artist_weight": term("g_artist", "generator", "style"),
        "content_weight": term("g_content", "generator", "style"),
        "style_kl_weight": hidden(styles_diverge_by_one, "generator", "style"),
        "warp_weight": hidden(says_one, "generator", "style"),
        "regularization_weight": hidden(says_one, "discriminator", "classifier"),
        "adversarial_classifier": classifier_sees_drawn_pictures,
        "judge_steps": draws_every,
    },
}
