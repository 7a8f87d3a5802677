"""SavedModels of strangers: what reaches files is refused before it runs, unless it is trusted."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import ganime_tf
from ganime_tf.baselines import open_stylizer
from ganime_tf.cli import main
from ganime_tf.ops.graphs import reaching_operations


class Inverts(tf.Module):
    """uint8 pictures inverted, and on the way what `also` does."""

    def __init__(self, also):
        super().__init__()
        self.also = also
        self.scale = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="image")])
    def __call__(self, image):
        self.also(image)
        return {"image": 255 - tf.cast(tf.cast(image, tf.float32) * self.scale, tf.uint8)}


def save(path, also, module=Inverts):
    made = module(also)
    tf.saved_model.save(made, str(path), {"serving_default": made.__call__})
    return path


def test_a_graph_that_writes_is_refused_in_a_line_and_obeyed_when_trusted(tmp_path, capsys):
    mark = tmp_path / "written"
    model = save(tmp_path / "model", lambda _: tf.io.write_file(str(mark), "here"))
    Image.fromarray(np.full((8, 9, 3), 55, np.uint8)).save(tmp_path / "a.png")
    call = ["translate", str(tmp_path / "a.png"), "--model", str(model), "-o"]
    assert main([*call, str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "WriteFile" in error and "--trust" in error
    assert not mark.exists() and not (tmp_path / "out").exists()
    assert main([*call, str(tmp_path / "out"), "--trust"]) == 0
    assert mark.read_text() == "here"
    assert (np.asarray(Image.open(tmp_path / "out/a.png")) == 200).all()


@pytest.mark.parametrize(
    ("operation", "also"),
    [
        ("ReadFile", lambda _: tf.io.read_file("nothing")),
        ("MatchingFiles", lambda _: tf.io.matching_files("*")),
        ("EagerPyFunc", lambda x: tf.py_function(lambda y: y, [x], tf.uint8)),
        ("PrintV2", lambda x: tf.print("a", output_stream="file://printed")),
        # Inside a branch inside a loop: another function of the library each.
        ("WriteFile", lambda x: tf.while_loop(
            lambda i: i < 1,
            lambda i: tf.cond(i < 1, lambda: _write(i), lambda: i + 1), [tf.constant(0)])),
    ],
)  # fmt: skip
def test_whatever_reaches_further_is_named(operation, also, tmp_path):
    model = save(tmp_path / "model", also)
    assert operation in reaching_operations(model)
    with pytest.raises(ValueError, match=operation):
        ganime_tf.load(model)
    with pytest.raises(ValueError, match=operation):
        open_stylizer(model)


def _write(number):
    tf.io.write_file("written", "here")
    return number + 1


class Loads(Inverts):
    """Reads a file when it is opened, before anything is called."""

    def __init__(self, also):
        super().__init__(lambda image: self.table.lookup(tf.constant("a")))
        rows = tf.lookup.TextFileInitializer(also, tf.string, 0, tf.string, 1, delimiter=",")
        self.table = tf.lookup.StaticHashTable(rows, "")


def test_what_is_run_on_opening_counts_too(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n")
    model = save(tmp_path / "model", str(tmp_path / "rows.csv"), Loads)
    assert reaching_operations(model) == ["InitializeTableFromTextFileV2"]


def test_what_only_computes_opens(tmp_path):
    random = lambda x: tf.random.uniform(tf.shape(x))  # noqa: E731
    model = save(tmp_path / "model", random)
    assert reaching_operations(model) == []
    picture = np.full((8, 9, 3), 55, np.uint8)
    assert (ganime_tf.load(model).translate(picture) == 200).all()


def test_a_damaged_file_is_said(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff\xff")
    with pytest.raises(ValueError, match="is damaged"):
        reaching_operations(tmp_path)
