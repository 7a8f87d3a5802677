"""MUNIT from the command line: train, then translate by seeds and references, both ways."""

import json

import numpy as np
import pytest
from helpers import tiny
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.inference import load


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("munit") / "run"
    command = ["train", "munit", "--preset", "munit-anigan-tiny", "--data", "toy:6", "--no-export"]
    command += ["--steps", "2", "--num-validation", "2", "--num-samples", "2"]
    command += ["--batch-size", "2", "--run-dir", str(folder)]
    assert main(command) == 0
    return folder


def check_same(picture, wanted):
    """Equal but for the rounding between two compiled graphs: one level."""
    assert np.abs(np.asarray(picture).astype(int) - wanted).max() <= 1


@pytest.fixture(scope="module")
def trained(run_dir):
    return load(run_dir)


def test_training_writes_every_loss(run_dir):
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    names = {"d_loss", "g_adversarial", "g_image", "g_style", "g_content"}
    assert names <= set(rows[-1])
    assert all(np.isfinite(rows[-1][name]) for name in names)
    config = json.loads((run_dir / "config.json").read_text())
    assert "anigan" in json.dumps(config)


def test_seeds_references_and_directions_change_the_picture(run_dir, trained, tmp_path):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (37, 42, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "face.png")
    # A reference of another size, with transparency.
    Image.fromarray(rng.integers(0, 256, (50, 21, 4), np.uint8), "RGBA").save(tmp_path / "ref.png")

    def translate(name, *flags):
        command = ["translate", str(tmp_path / "face.png"), "--model", str(run_dir), *flags]
        assert main([*command, "-o", str(tmp_path / name)]) == 0
        out = np.asarray(Image.open(tmp_path / name / "face.png"))
        assert out.shape == picture.shape
        return out

    first = translate("first", "--seed", "0")
    outputs = {
        "seed 0": first,
        "seed 1": translate("other", "--seed", "1"),
        "reference": translate("reference", "--reference", str(tmp_path / "ref.png")),
        "reverse": translate("reverse", "--use", "reverse"),
    }
    assert len({output.tobytes() for output in outputs.values()}) == len(outputs)
    model = trained
    check_same(first, model.run(image=picture))  # seed 0 is the default
    check_same(outputs["seed 1"], model.run(image=picture, seed=1))
    check_same(outputs["reverse"], model.run("reverse", image=picture, seed=0))


def test_several_styles_give_a_folder_each_and_a_table(
    run_dir, trained, tmp_path, capsys, monkeypatch
):
    rng = np.random.default_rng(1)
    (tmp_path / "styles").mkdir()
    for name in ("in.png", "styles/one.png", "styles/two.png"):
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(tmp_path / name)
    command = ["translate", str(tmp_path / "in.png"), "--model", str(run_dir)]
    # How far apart: here, the mean difference of levels.
    monkeypatch.setattr(
        "ganime_tf.metrics.lpips.load_lpips",
        lambda network: lambda a, b: np.abs(a.astype(float) - b).mean((1, 2, 3)),
    )
    seeds = [*command, "--seed", "3-5", "--diversity", "alex", "-o", str(tmp_path / "seeds")]
    assert main(seeds) == 0
    printed = capsys.readouterr().out
    model, picture = trained, np.asarray(Image.open(tmp_path / "in.png"))
    made = []
    for seed in (3, 4, 5):
        made.append(np.asarray(Image.open(tmp_path / f"seeds/seed-{seed}/in.png")).astype(float))
        check_same(made[-1], model.run(image=picture, seed=seed))
    apart = [np.abs(made[i] - made[j]).mean() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert f"LPIPS (alex) between styles: {np.mean(apart):.4f}, 1 picture(s)" in printed
    references = [*command, "--reference", str(tmp_path / "styles"), "-o", str(tmp_path / "refs")]
    assert main(references) == 0
    for name in ("one", "two"):
        style = np.asarray(Image.open(tmp_path / f"styles/{name}.png"))
        expected = model.run(image=picture, reference=style)
        check_same(Image.open(tmp_path / f"refs/{name}/in.png"), expected)
    tall, wide = (Image.open(tmp_path / f"{name}/grid.png").size for name in ("refs", "seeds"))
    assert tall[1] > wide[1] and tall[0] < wide[0]  # references stand above their columns


def _references(folder):
    """A picture to translate and two references of different sizes, saved and returned."""
    rng = np.random.default_rng(2)
    pictures = {
        "in": rng.integers(0, 256, (32, 32, 3), np.uint8),
        "dark": rng.integers(0, 90, (40, 24, 3), np.uint8),
        "light": rng.integers(160, 256, (32, 48, 3), np.uint8),
    }
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return pictures


def test_steps_go_from_one_reference_to_the_next(run_dir, trained, tmp_path):
    pictures = _references(tmp_path)
    command = ["translate", str(tmp_path / "in.png"), "--model", str(run_dir), "--steps", "4"]
    for name in ("dark", "light"):
        command += ["--reference", str(tmp_path / f"{name}.png")]
    assert main([*command, "-o", str(tmp_path / "out")]) == 0
    names = ["dark", "dark-to-light-1", "dark-to-light-2", "light"]
    made = {n: np.asarray(Image.open(tmp_path / f"out/{n}/in.png")).astype(int) for n in names}
    model = trained
    for name in ("dark", "light"):
        wanted = model.run(image=pictures["in"], reference=pictures[name])
        check_same(made[name], wanted)
    whole = np.abs(made["light"] - made["dark"]).mean()
    away = [np.abs(made[name] - made["dark"]).mean() for name in names]
    left = [np.abs(made[name] - made["light"]).mean() for name in names]
    assert whole > 0 and away == sorted(away) and left == sorted(left, reverse=True)
    assert all(0 < d < whole for d in (*away[1:3], *left[1:3]))  # between the two
    strip, grid = (np.asarray(Image.open(tmp_path / f"out/{n}.png")) for n in ("strips/in", "grid"))
    np.testing.assert_array_equal(strip, grid)  # of one picture
    # Five columns; the references stand above their ends, and nothing above those between.
    above = [strip[28:60, left : left + 32] for left in range(6, strip.shape[1], 38)]
    assert [int(tile.min()) < 250 for tile in above] == [False, True, False, False, True]
    assert above[1].mean() < above[4].mean()
    below = [strip[66:98, left : left + 32] for left in range(6, strip.shape[1], 38)]
    for tile, wanted in zip(below, (pictures["in"], *made.values()), strict=True):
        np.testing.assert_array_equal(tile, wanted)


def test_steps_go_from_seed_to_seed(run_dir, trained, tmp_path):
    pictures = _references(tmp_path)
    command = ["translate", str(tmp_path / "in.png"), "--model", str(run_dir), "--steps", "3"]
    assert main([*command, "--seed", "4,9,2", "-o", str(tmp_path / "out")]) == 0
    found = {p.parent.name: np.asarray(Image.open(p)) for p in (tmp_path / "out").glob("*/in.png")}
    between = {"seed-4-to-seed-9-1", "seed-9-to-seed-2-1"}
    assert set(found) == {"seed-4", "seed-9", "seed-2", "strips"} | between
    model = trained
    for seed in (4, 9, 2):
        wanted = model.run(image=pictures["in"], seed=seed)
        check_same(found[f"seed-{seed}"], wanted)
    four, nine = model.run("style_of_seed", seed=np.asarray([4, 9]))
    wanted = model.run(image=pictures["in"], style=(four + nine) / 2)
    check_same(found["seed-4-to-seed-9-1"], wanted)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--use", "with_reference"], "'with_reference' takes image, reference. Received image"),
        (["--seed", "one"], "`--seed` takes numbers and ranges, 0-15 or 3,7. Received 'one'"),
        (["--seed", "9" * 30], "`--seed` must be in [0, "),
        (["--seed", "1", "--reference", "face.png"], "Give one of --seed and --reference"),
        (["--steps", "3"], "give two styles or more and at least 2 steps. Received 0 style(s)"),
        (["--seed", "1,2", "--steps", "1"], "Received 2 style(s) and 1 step(s)"),
    ],
)
def test_wrong_inputs_get_one_clear_line(run_dir, tmp_path, capsys, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save("face.png")
    assert main(["translate", "face.png", "--model", str(run_dir), "-o", "out", *flags]) != 0
    errors = capsys.readouterr()
    assert message in errors.err + errors.out and "Traceback" not in errors.err


def test_codes_mix_and_those_of_another_length_are_refused():
    model = tiny("munit", "munit-tiny")
    picture, x, y = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    one, two = model.run("style_of", reference=np.stack([x, y]))
    mixtures = np.stack([one + share * (two - one) for share in (0.0, 0.5, 1.0)])
    row = model.run(image=np.stack([picture] * 3), style=mixtures)
    assert np.abs(row[0].astype(int) - model.run(image=picture, reference=x)).max() <= 1
    assert np.abs(row[2].astype(int) - model.run(image=picture, reference=y)).max() <= 1
    assert len({each.tobytes() for each in row}) == 3
    with pytest.raises(ValueError, match="style.*4.*3"):
        model.run(image=picture, style=np.zeros(3, np.float32))
