"""The disentangling trainings one after the other by commands, and what their artists are for."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.inference import load
from ganime_tf.inference.artists import (
    between,
    gaussian_codes,
    label_folder,
    nearest_artists,
    parse_labels,
    parse_sum,
)
from ganime_tf.ops.pictures import save_png

NAMES = ("botan", "fuji hana", "mori")
COLOURS = ((220, 60, 60), (60, 190, 80), (60, 80, 210))


def _drawing(colour, seed: int) -> np.ndarray:
    """A disc of the artist's colour somewhere on paper."""
    rng = np.random.default_rng(seed)
    row, column = rng.uniform(5, 11, 2)
    y, x = np.mgrid[:16, :16]
    disc = (y - row) ** 2 + (x - column) ** 2 < 16
    return np.where(disc[..., None], colour, 190).astype(np.uint8)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Runs `s1`, `c2` and `s2` on `data`: three artists, and one with too few pictures."""
    folder = tmp_path_factory.mktemp("artists")
    for number, (name, colour) in enumerate(zip(NAMES, COLOURS, strict=True)):
        for seed in range(12):
            save_png(folder / "data" / name / f"{seed}.png", _drawing(colour, 100 * number + seed))
    save_png(folder / "data" / "rare" / "0.png", _drawing((0, 0, 0), 999))
    data = f"path={folder / 'data'},min_images_per_artist=5"
    runs = {
        "s1": ["disentangle-stage1", "--steps=60", "--learning-rate=3e-3", "--style-rate=0.05",
               "--adversarial-weight=0.02"],
        "c2": ["disentangle-c2", "--steps=30", "--learning-rate=1e-2"],
        "s2": ["disentangle-stage2", "--steps=4", f"--from={folder / 's1'}",
               f"--from={folder / 'c2'}"],
    }  # fmt: skip
    for run, (model, *flags) in runs.items():
        words = ["train", model, f"--preset={model}-tiny", "--batch-size=8", f"--data={data}"]
        words += [f"--run-dir={folder / run}", "--no-export", "--num-samples=2"]
        words += ["--evaluate-every=100", "--sample-every=100", *flags]
        assert main(words) == 0
    save_png(
        folder / "in" / "one.png", np.kron(_drawing(COLOURS[0], 7), np.ones((2, 3, 1), np.uint8))
    )
    save_png(folder / "in" / "two.png", _drawing(COLOURS[1], 8))
    return folder


def test_a_run_keeps_the_artists_of_its_data_and_the_stages_their_networks(place):
    first, second = load(place / "s1"), load(place / "s2")
    assert first.label_names == second.label_names == NAMES
    for a, b in zip(first.encoder.variables, second.encoder.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a.numpy()), np.asarray(b.numpy()))
    np.testing.assert_allclose(first.style.frequency.numpy().sum(), 1, rtol=1e-6)
    logs = [json.loads(line) for line in (place / "c2" / "metrics.jsonl").read_text().splitlines()]
    assert [row["accuracy"] for row in logs if "accuracy" in row][-1] > 0.8


def test_stage_2_says_which_run_it_needs(place, capsys):
    words = ["train", "disentangle-stage2", "--preset=disentangle-stage2-tiny", "--data=toy:88"]
    assert main([*words, f"--run-dir={place / 'none'}"]) == 2
    error = capsys.readouterr().err
    assert "needs the network 'encoder' of a trained disentangle-stage1" in error
    assert "--from" in error


def test_translate_draws_as_an_artist_by_name_or_number(place):
    inputs = ["translate", str(place / "in"), f"--model={place / 's1'}"]
    for folder, label in (("by-name", "fuji hana"), ("by-number", "1"), ("other", "mori")):
        assert main([*inputs, "-o", str(place / folder), "--label", label]) == 0
    drawn = {
        f: np.asarray(Image.open(place / f / "one.png")) for f in ("by-name", "by-number", "other")
    }
    assert drawn["other"].shape == (32, 48, 3)
    np.testing.assert_array_equal(drawn["by-name"], drawn["by-number"])
    assert (drawn["by-name"] != drawn["other"]).mean() > 0.2
    expected = load(place / "s1").translate(np.asarray(Image.open(place / "in/one.png")), label=1)
    np.testing.assert_array_equal(drawn["by-name"], expected)


def test_translate_draws_as_all_artists_with_a_table(place, capsys):
    out = place / "all"
    words = ["translate", str(place / "in"), f"--model={place / 's2'}", "-o", str(out)]
    assert main([*words, "--label", "all"]) == 0
    assert "Wrote 6 picture(s)" in capsys.readouterr().out
    assert sorted(p.name for p in out.iterdir() if p.is_dir()) == ["botan", "fuji_hana", "mori"]
    assert {p.name for p in (out / "mori").glob("*.png")} == {"one.png", "two.png"}
    width, height = Image.open(out / "grid.png").size
    assert width > 4 * 48 and height > 2 * 48
    assert main([*words, "--label", "moriko"]) == 2
    assert "Did you mean 'mori'?" in capsys.readouterr().err


def test_a_reference_gives_the_style_of_the_artist_that_is_seen_in_it(place):
    shutil.copy(place / "data" / "mori" / "3.png", place / "reference.png")
    words = ["translate", str(place / "in" / "two.png"), f"--model={place / 's2'}"]
    assert main([*words, "-o", str(place / "ref"), f"--reference={place / 'reference.png'}"]) == 0
    model = load(place / "s2")
    picture = np.asarray(Image.open(place / "in" / "two.png"))
    seen = np.asarray(Image.open(place / "reference.png"))
    expected = model.run("with_reference", image=picture, reference=seen)
    np.testing.assert_array_equal(np.asarray(Image.open(place / "ref" / "two.png")), expected)
    np.testing.assert_array_equal(model.run(image=picture, label="mori"), expected)


def test_artists_lists_the_nearest_and_draws_ways_sums_and_new_styles(place):
    out = place / "tables"
    words = ["artists", str(place / "s2"), "-o", str(out), f"--pictures={place / 'in'}"]
    assert main([*words, "--steps=4", "--random=3", "--sum=botan - mori + fuji hana"]) == 2
    assert main([*words, "--steps=4", "--random=3", "--sum=botan - mori + 1"]) == 0
    assert {p.name for p in out.iterdir()} == {
        "nearest.csv", "nearest.png", "strips.png", "random.png", "sum.png",
    }  # fmt: skip
    rows = list(csv.DictReader((out / "nearest.csv").open()))
    assert len(rows) == 3 * 2 and {row["artist"] for row in rows} == set(NAMES)
    codes = load(place / "s2").run("style_of", label=np.arange(3, dtype=np.int32))
    first = rows[0]
    expected = np.linalg.norm(codes[0] - codes[NAMES.index(first["nearest"])])
    assert float(first["distance"]) == pytest.approx(expected, rel=1e-3)


def test_artists_measures_what_judges_and_probes_find(place, capsys):
    report = place / "scores.json"
    data = f"path={place / 'data'},min_images_per_artist=5"
    words = ["artists", str(place / "s2"), f"--data={data}", f"--judge={place / 'c2'}"]
    assert main([*words, f"--json={report}"]) == 0
    rows = json.loads(report.read_text())["accuracy"]
    assert len(rows) == 7
    assert rows["real pictures, a classifier of real pictures"][0] > 0.6
    assert all(0 <= first <= five <= 1 and count > 0 for first, five, count in rows.values())
    assert rows["a fresh probe of the content codes"][1] == 1.0  # five of three artists
    assert "chance 33.33%" in capsys.readouterr().out
    assert main(["artists", str(place / "s2"), "--scenes=2"]) == 2
    assert "its artists are not those of the toy" in capsys.readouterr().err


def test_labels_folders_and_sums():
    names = ("aoi", "a,b", "x/y", "x y")
    assert parse_labels("all", names) == [0, 1, 2, 3]
    assert parse_labels("a,b", names) == [1]  # a name first of all
    assert parse_labels("aoi, 3", names) == [0, 3]
    assert [label_folder(n, names) for n in range(4)] == ["aoi", "a_b", "x_y-2", "x_y-3"]
    assert parse_sum("aoi - 3 + 1", names) == [(1, 0), (-1, 3), (1, 1)]
    for wrong in ("aoi -", "aoi 3", ""):
        with pytest.raises(ValueError, match="`--sum` takes labels"):
            parse_sum(wrong, names)
    with pytest.raises(ValueError, match="no names of labels"):
        parse_labels("aoi", ())


def test_nearest_ways_and_random_contents_match_closed_form():
    codes = np.array([[0, 0], [3, 4], [0, 1]], np.float32)
    order, distances = nearest_artists(codes, 5)
    np.testing.assert_array_equal(order, [[2, 1], [2, 0], [0, 1]])
    np.testing.assert_allclose(distances[0], [1, 5], rtol=1e-6)
    (way, _) = between(codes, 3)
    np.testing.assert_allclose(way, [[0, 0], [1.5, 2], [3, 4]])
    seen = np.random.default_rng(0).normal(size=(500, 2)) @ [[2, 1], [0, 0.5]] + [3, -1]
    drawn = gaussian_codes(seen, 40_000, seed=1)
    np.testing.assert_allclose(drawn.mean(0), seen.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(seen.T), atol=0.1)
