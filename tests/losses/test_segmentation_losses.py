"""Cross-entropy with ignored pixels and with hard examples."""

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.losses.segmentation import cross_entropy, ohem_cross_entropy

try:
    import torch
except ImportError:  # the comparisons with PyTorch are skipped, the others run
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")


@pytest.fixture
def scores():
    random = np.random.default_rng(0)
    logits = random.normal(size=(2, 6, 5, 4)).astype(np.float32) * 3
    labels = random.integers(0, 4, (2, 6, 5)).astype(np.int32)
    labels[0, :2] = -1
    return logits, labels


@needs_torch
def test_cross_entropy_and_its_gradient_equal_pytorch(scores):
    logits, labels = scores
    ours = tf.Variable(logits)
    with tf.GradientTape() as tape:
        loss = cross_entropy(ours, labels)
    theirs = torch.tensor(logits.transpose(0, 3, 1, 2), requires_grad=True)
    expected = torch.nn.functional.cross_entropy(
        theirs, torch.tensor(labels).long(), ignore_index=-1
    )
    expected.backward()
    np.testing.assert_allclose(loss, expected.item(), rtol=1e-6)
    np.testing.assert_allclose(
        tape.gradient(loss, ours), theirs.grad.numpy().transpose(0, 2, 3, 1), atol=1e-7
    )


def test_nothing_to_learn_from_is_zero(scores):
    assert float(cross_entropy(scores[0], np.full((2, 6, 5), -1))) == 0.0


@needs_torch
@pytest.mark.parametrize(("num_hard", "threshold"), [(4, 0.7), (40, 0.7), (59, 0.05), (500, 0.7)])
def test_hard_pixels_equal_their_definition(scores, num_hard, threshold):
    logits, labels = scores
    flat = torch.nn.functional.cross_entropy(
        torch.tensor(logits.transpose(0, 3, 1, 2)),
        torch.tensor(labels).long(),
        ignore_index=-1,
        reduction="none",
    ).numpy()
    ranked = np.sort(flat.ravel())[::-1]
    limit = -np.log(threshold)
    more = num_hard < ranked.size and ranked[num_hard] > limit
    expected = ranked[ranked > limit].mean() if more else ranked[:num_hard].mean()
    loss = ohem_cross_entropy(logits, labels, num_hard, threshold, ignore=-1)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_easy_pixels_get_no_gradient():
    logits = tf.Variable([[[[9.0, 0.0], [0.0, 9.0], [0.0, 1.0], [1.0, 0.0]]]])
    labels = np.array([[[0, 0, 0, 1]]])
    with tf.GradientTape() as tape:
        loss = ohem_cross_entropy(logits, labels, num_hard=1)
    moved = np.abs(tape.gradient(loss, logits)[0, 0]).max(-1) > 0
    assert moved.tolist() == [False, True, True, True]


def test_hard_pixels_equal_the_release(shared):
    golden = np.load(shared / "facts" / "golden_parsing.npz")
    logits = golden["ohem_logits"].transpose(0, 2, 3, 1)
    for name, num_hard in (("few", 4), ("many", 60)):
        ours = ohem_cross_entropy(logits, golden["ohem_labels"], num_hard)
        np.testing.assert_allclose(ours, golden[f"ohem_{name}"], atol=1e-5)


def test_wrong_arguments_are_named(scores):
    with pytest.raises(ValueError, match="threshold"):
        ohem_cross_entropy(*scores, num_hard=4, threshold=1.5)
