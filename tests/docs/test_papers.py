"""docs/papers.md shows what the records in benchmarks/results say, and the tables say it right."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def papers():
    """The modules of benchmarks/papers that need no TensorFlow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks" / "papers"))
        import methods
        import tables

        yield tables, methods
        for name in ("tables", "methods"):
            sys.modules.pop(name, None)


def _record(study: str, methods, **scores) -> dict:
    """A record with one list of values, one a seed, for every method of a study."""
    rows = {}
    for name in methods.STUDIES[study]:
        runs = {
            str(seed): {"seconds": 10.0, "scores": {k: v[name][seed] for k, v in scores.items()}}
            for seed in range(2)
        }
        rows[name] = {"title": methods.METHODS[name].title, "steps": 5, "runs": runs}
    return {"methods": rows}


def test_page_shows_the_records(papers):
    tables, _ = papers
    page = tables.PAGE.read_text(encoding="utf-8")
    for study in tables.PAPER:
        expected = tables.fill(page, study, tables.block(study, tables.read(study)))
        assert expected == page, "python benchmarks/papers/run.py --write-docs"
    assert tables.fill(page, "truth", tables.truth_block(tables.read("truth"))) == page


def test_records_are_whole_and_their_pictures_small(papers):
    tables, methods = papers
    for study in tables.PAPER:
        record = tables.read(study)
        if record is None:
            continue
        assert record["versions"]["tensorflow"] and record["commits"]
        assert record["budget"]["features"] == "squeezenet"
        assert list(record["methods"]) == list(methods.STUDIES[study])
        for name, method in record["methods"].items():
            assert list(method["runs"]) == [str(seed) for seed in record["seeds"]], name
            own = methods.METHODS[name]
            assert method["steps"] == own.total_steps, name
            if own.trained:
                fields = json.loads(json.dumps(dataclasses.asdict(own.config)))
                if own.steps:  # ends before its schedule, however long that is
                    fields["num_epochs"] = method["config"]["num_epochs"]
                later = {  # fields that the package had not yet, at what it did then
                    field.name: field.default
                    for field in dataclasses.fields(own.config)
                    if field.name not in method["config"]
                }
                assert fields == method["config"] | later, f"{name} was changed since"
        for picture in tables.pictures(study):
            assert (ROOT / "docs" / "images" / picture).stat().st_size < 150_000


def test_cell_is_mean_and_deviation_over_seeds(papers):
    tables, _ = papers
    assert tables.cell([1.0, 2.0, 3.0], 1) == "2.0 ± 1.0"
    assert tables.cell([], 1) == "–"


def test_order_names_overlap_and_departure_from_the_paper(papers):
    tables, methods = papers
    names = methods.STUDIES["sketches"]
    order = ["pix2pix-tv", "pix2pix", "sketches-cyclegan", "neural-style"]
    good = {name: (1.0 - 0.1 * order.index(name) if name in order else 0.0,) * 2 for name in names}
    record = _record("sketches", methods, ssim=good, fd_random=good, ssim_std=good)
    by_fd, by_ssim, _ = tables.orders("sketches", record)
    assert "Pix2Pix + TV > Pix2Pix > CycleGAN > Neural style. Paper" in by_ssim
    assert by_ssim.endswith("Ours is the paper's order.")
    assert "Ours is NOT the paper's order: Pix2Pix is better than Pix2Pix + TV, " in by_fd
    good["pix2pix"] = (0.9, 1.2)
    record = _record("sketches", methods, ssim=good, fd_random=good, ssim_std=good)
    by_ssim = tables.orders("sketches", record)[1]
    assert "Pix2Pix ≈ Pix2Pix + TV > CycleGAN" in by_ssim
    assert by_ssim.endswith("Ours differs only where the seeds overlap.")


def test_words_on_animegan_need_seeds_that_are_apart(papers):
    tables, methods = papers
    names = methods.STUDIES["animegan-steps"]
    scores = {m: dict.fromkeys(names, (0.5, 0.5)) for m in ("ssim_to_input", "ciede2000_to_input")}
    scores["ciede2000_to_input"]["animegan-c"] = (0.4, 0.3)
    record = _record("animegan-steps", methods, **scores)
    colour, features = tables.orders("animegan-steps", record)
    assert colour.endswith("By ΔE00 to input this comes out.")
    assert features.endswith("does not come out: the seeds overlap.")


def test_papers_numbers_stand_in_the_table(papers):
    tables, methods = papers
    scores = {m: dict.fromkeys(methods.STUDIES["portraits"], (0.25, 0.25)) for m in tables.METRICS}
    text = tables.table("portraits", _record("portraits", methods, **scores))
    rows = {line.split(" | ")[0].strip("| "): line for line in text.splitlines()}
    assert "| 135.9 |" in rows["AnimeGAN (d)"] and "| (50) |" in rows["CycleGAN"]
    assert "| – |" in rows["CartoonGAN"] and "0.250 ± 0.000" in rows["CartoonGAN"]
    assert len({line.count("|") for line in text.splitlines()}) == 1


def test_phases_fit_into_the_run(papers):
    _, methods = papers
    for name, method in methods.METHODS.items():
        if method.trained:
            config = method.config
            assert config.image_size == methods.IMAGE_SIZE, name
            for field in ("init_epochs", "decay_epochs"):
                assert getattr(config, field, 0) < config.num_epochs, name


def test_fill_refuses_a_page_without_markers(papers):
    tables, _ = papers
    with pytest.raises(ValueError, match="no markers"):
        tables.fill("text", "sketches", "table")


def test_no_fréchet_distance_is_called_fid(papers):
    tables, methods = papers
    headings = [tables.METRICS[metric][0] for study in tables.COLUMNS for metric in
                tables.COLUMNS[study]]  # fmt: skip
    assert not [heading for heading in headings if re.search("fid", heading, re.I)]


def test_methods_train_on_what_they_are_tested_on(papers):
    _, methods = papers
    sketches = {*methods.STUDIES["sketches"], "sketches-cyclegan-long", "sketches-ugatit-long"}
    for name, method in methods.METHODS.items():
        world = "toy-sketch" if name in sketches else "toy"
        assert methods.DATA[method.kind].startswith(f"{world}:"), name
