import numpy as np
import pytest
from PIL import Image

from ganime_tf.metrics import (
    classifier_accuracy,
    confusion_matrix,
    evaluate_labels,
    segmentation_scores,
)

TRUTH = np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
GUESS = np.array([[0, 0, 0, 1], [0, 0, 1, 1]])


def test_scores_of_a_hand_counted_map():
    scores = segmentation_scores(confusion_matrix(TRUTH, GUESS, 3))
    assert scores.pixel_accuracy == 7 / 8
    np.testing.assert_array_equal(scores.class_accuracy, [1, 3 / 4, np.nan])
    np.testing.assert_array_equal(scores.class_iou, [4 / 5, 3 / 4, np.nan])
    assert scores.miou == pytest.approx((4 / 5 + 3 / 4) / 2)  # the absent class does not count


def test_miou_comes_from_one_matrix_not_from_single_pictures():
    second = confusion_matrix(np.ones((2, 4), int), np.ones((2, 4), int), 2)
    whole = segmentation_scores(confusion_matrix(TRUTH, GUESS, 2) + second)
    np.testing.assert_allclose(whole.class_iou, [4 / 5, 11 / 12])


def test_ignored_pixels_do_not_count():
    truth = np.where(TRUTH == 1, 255, TRUTH)
    assert confusion_matrix(truth, GUESS, 2, ignore=255).tolist() == [[4, 0], [0, 0]]
    with pytest.raises(ValueError, match="0 to 255; expected 0 to 1"):
        confusion_matrix(truth, GUESS, 2)
    with pytest.raises(ValueError, match="differ in shape"):
        confusion_matrix(TRUTH, GUESS[:1], 2)


def test_folders_of_maps(tmp_path):
    for name, maps in (("real", {"a": TRUTH, "b": GUESS}), ("fake", {"a": GUESS, "b": GUESS})):
        (tmp_path / name).mkdir()
        for stem, labels in maps.items():
            Image.fromarray(labels.astype(np.uint8)).save(tmp_path / name / f"{stem}.png")
    report = evaluate_labels(tmp_path / "real", tmp_path / "fake", 2)
    assert report["pixel_accuracy"] == 15 / 16
    assert report["miou"] == pytest.approx((9 / 10 + 6 / 7) / 2)
    assert report.worst("pixel_accuracy", 1) == [("a", 7 / 8)]
    assert report.to_dict()["context"]["classes"][1]["iou"] == pytest.approx(6 / 7)
    Image.fromarray(np.zeros((2, 4, 3), np.uint8)).save(tmp_path / "fake" / "a.png")
    with pytest.raises(ValueError, match="no label map"):
        evaluate_labels(tmp_path / "real", tmp_path / "fake", 2)


def test_classifier_accuracy_counts_the_top_classes():
    images = np.zeros((5, 2, 2, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(5)
    table = np.eye(3)[[0, 1, 2, 0, 1]] + 0.5 * np.eye(3)[[1, 2, 0, 2, 2]]
    classify = lambda batch: table[batch[:, 0, 0, 0]]  # noqa: E731
    labels = [0, 1, 0, 2, 0]
    assert classifier_accuracy(classify, images, labels, batch_size=2) == 2 / 5
    assert classifier_accuracy(classify, images, labels, top=2) == 4 / 5
    with pytest.raises(ValueError, match="one label a picture"):
        classifier_accuracy(classify, images, labels[:2])
