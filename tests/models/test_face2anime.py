"""Face2Anime beside CycleGAN, its critics, XGAN's schedule and teacher, the classifier."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import made_batch, run_steps, tiny, values

from ganime_tf.models import get_model, get_presets
from ganime_tf.training.checkpoint import Checkpointer

PLAIN = {"semantic_weight": 0.0, "domain_weight": 0.0, "perceptual_weight": 0.0}
CRITIC = PLAIN | {"adversarial": "wgan-gp", "pool_size": 0, "critic_steps": 3}


def whole_state(model):
    return [*model.variables, *(v for o in model.optimizers.values() for v in o.variables)]


def face2anime(**fields):
    """A tiny model that steps without a graph: tracing takes longer than the step."""
    model = tiny("face2anime", "face2anime-tiny", **fields)
    model.run_eagerly = True
    return model


def test_without_its_terms_it_is_cyclegan():
    ours = face2anime(**PLAIN, pool_size=0)
    config = ours.config
    theirs = tiny(
        "cyclegan",
        "cyclegan-tiny",
        **{key: getattr(config, key) for key in (
            "image_size", "filters", "num_blocks", "patch_size", "pool_size", "identity_weight",
            "learning_rate", "beta_1", "beta_2", "epsilon",
        )},
    )  # fmt: skip
    both = [
        ([*ours.a2b], theirs.generator_a2b),
        ([*ours.b2a], theirs.generator_b2a),
        ([ours.discriminator_a], theirs.discriminator_a),
        ([ours.discriminator_b], theirs.discriminator_b),
    ]
    pairs = [
        pair
        for parts, whole in both
        for pair in zip([v for p in parts for v in p.weights], whole.weights, strict=True)
    ]
    for mine, other in pairs:
        mine.assign(other)
    for model in (ours, theirs):
        model.compile({group: keras.optimizers.SGD(0.1) for group in model.groups})
        model.run_eagerly = True
    batches = [made_batch(ours, seed=seed) for seed in (0, 1)]
    logs, wanted = run_steps(ours, batches), run_steps(theirs, batches)
    for name, value in wanted.items():
        assert logs[name] == pytest.approx(value, rel=1e-5), name
    for mine, other in pairs:
        np.testing.assert_allclose(mine.numpy(), other.numpy(), atol=1e-5, err_msg=other.path)


def test_generators_learn_in_every_nth_step_and_a_run_goes_on_in_mid_cycle(tmp_path):
    straight = face2anime(**CRITIC)
    batches = [made_batch(straight, seed=seed) for seed in range(4)]
    moved = {"generator": [], "discriminator": []}
    for batch in batches:
        before = {group: values(straight.group_variables(group)) for group in moved}
        run_steps(straight, [batch])
        for group, old in before.items():
            new = values(straight.group_variables(group))
            moved[group].append(not all(map(np.array_equal, old, new)))
    assert moved == {"generator": [False, False, True, False], "discriminator": [True] * 4}

    first, second = face2anime(**CRITIC), face2anime(**CRITIC)
    run_steps(first, batches[:2])
    Checkpointer(first, tmp_path).save()
    assert Checkpointer(second, tmp_path).restore() == 2
    run_steps(second, batches[2:])
    for a, b in zip(whole_state(straight), whole_state(second), strict=True):
        np.testing.assert_array_equal(np.array(a), np.array(b), err_msg=a.path)


def test_two_replicas_draw_the_penaltys_points_as_one_device(two_replicas):
    def critic():
        model = face2anime(**CRITIC)
        model.compile({group: keras.optimizers.SGD(0.05) for group in model.groups})
        return model

    one = critic()
    batch = made_batch(one)
    logs = one._step_on_replica(batch, {"generators": False})
    with two_replicas.scope():
        two = critic()
    data = two_replicas.experimental_distribute_values_from_function(
        lambda context: {
            key: value[context.replica_id_in_sync_group :][:1] for key, value in batch.items()
        }
    )
    found = two_replicas.run(two._step_on_replica, (data, {"generators": False}))
    penalty = two_replicas.reduce("MEAN", found["d_penalty"], axis=None)
    assert float(penalty) == pytest.approx(float(logs["d_penalty"]), rel=1e-5)
    pairs = zip(one.group_variables("discriminator"), two.group_variables("discriminator"),
                strict=True)  # fmt: skip
    for a, b in pairs:
        np.testing.assert_allclose(np.array(a), np.array(b), atol=1e-5, err_msg=a.path)


def test_clipped_critics_stay_within_their_limit():
    model = face2anime(**CRITIC | {"adversarial": "wgan-clip", "optimizer": "rmsprop"}, clip=0.004)
    assert np.abs(values(model.group_variables("discriminator"))[0]).max() > 0.01  # N(0, 0.02)
    run_steps(model, [made_batch(model)])
    largest = [np.abs(value).max() for value in values(model.group_variables("discriminator"))]
    assert max(largest) == pytest.approx(0.004, rel=1e-6)
    assert "d_penalty" not in model.loss_names


def test_every_preset_is_a_row_of_the_papers_plan():
    """Each adds one thing to the plain CycleGAN; `face2anime` has all terms."""
    presets = get_presets("face2anime")
    plain = presets["face2anime-cyclegan"]
    for name in ("domain", "semantic", "perceptual"):
        added = presets[f"face2anime-{name}"]
        differs = [key for key, value in vars(added).items() if value != getattr(plain, key)]
        assert differs == [f"{name}_weight"]
        assert getattr(presets["face2anime"], f"{name}_weight") == getattr(added, differs[0])
    assert presets["face2anime-critic"].critic and not plain.critic


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"encoder_blocks": 2}, "`encoder_blocks` .2. must not be more than `num_blocks`"),
        ({"image_size": 16, "load_size": 18}, "at least 32 for a domain classifier"),
        ({"patch_size": 1}, "`patch_size` must be at least 16"),
    ],
)
def test_wrong_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        tiny("face2anime", "face2anime-tiny", **fields)


def test_xgans_weight_of_the_domains_rises_over_the_run():
    model = tiny("xgan", "xgan-tiny", num_epochs=4)
    assert float(model.domain_factor()) == pytest.approx(0.7)  # no length, no ramp
    model.compile(steps_per_epoch=5)
    found = []
    for step in (0, 10, 20, 30):
        model.step.assign(step)
        found.append(float(model.domain_factor()))
    ramp = [0.7 * math.tanh(5 * share) for share in (0, 0.5, 1, 1)]  # 2 / (1 + e^-10p) - 1
    np.testing.assert_allclose(found, ramp, rtol=1e-5, atol=1e-7)


def test_xgans_teacher_is_met_by_a_linear_map_of_the_code():
    model = tiny("xgan", "xgan-tiny", teacher_weight=1.0, teacher="random")
    model.run_eagerly = True
    head = values(model.teacher_head.weights)
    assert head[0].shape == (32, 16)
    first = run_steps(model, [made_batch(model, count=4)])
    assert first["g_teacher"] > 0.0
    assert not np.array_equal(head[0], values(model.teacher_head.weights)[0])
    same = tiny("xgan", "xgan-tiny", teacher_weight=1.0, teacher="random", code_size=16)
    assert same.teacher_head is None  # the teacher's own length: compared as they are


def test_xgan_translates_by_the_other_domains_decoder_at_any_size():
    model = tiny("xgan", "xgan-tiny")
    picture = np.random.default_rng(0).integers(0, 256, (45, 38, 3), np.uint8)
    there, back = model.translate(picture), model.run("reverse", image=picture)
    assert there.shape == back.shape == picture.shape
    # The code is all that the decoders see: b's decoder on a's code.
    code = model.run("code_of_a", reference=picture)
    drawn = model.decoder_b(model.shared_decoder(code[None], training=False), training=False)
    resized = tf.image.resize(drawn, (45, 38))[0]
    np.testing.assert_allclose(there, (np.array(resized) + 1) * 127.5, atol=1.0)
    assert np.abs(there.astype(int) - back).max() > 1
    assert code.shape == model.run("code_of_b", reference=picture).shape == (32,)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_size": 40}, "multiple of 16"),
        ({"batch_size": 1}, "`batch_size` must be at least 2"),
        ({"filters": 1}, "`filters` must be at least 2"),
    ],
)
def test_xgans_wrong_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        get_model("xgan")(**fields)


def test_the_classifier_learns_the_labels_of_a_batch():
    fields = {"num_labels": 6, "dropout": 0.0, "learning_rate": 1e-2}
    model = tiny("anime-classifier", "anime-classifier-tiny", **fields)
    batch = made_batch(model, count=6)
    batches = tf.data.Dataset.from_tensors(batch).repeat()
    losses = model.fit(batches, steps_per_epoch=20, epochs=2, verbose=0).history["c_loss"]
    assert losses[-1] < 0.1 * losses[0]
    pictures = np.uint8((np.array(batch["b"]) + 1) * 127.5)
    np.testing.assert_array_equal(model.classify(pictures), np.arange(6))
    found = model.evaluate_batch(batch)
    np.testing.assert_array_equal(found["truth"], found["classes"])
