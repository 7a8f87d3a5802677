"""Golden numbers of the reference implementations, and the functions that make their inputs."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.fixture(scope="session")
def made():
    """The module that wrote the golden file: `pictures`, `features`, `random_state`, ..."""
    spec = importlib.util.spec_from_file_location("make_metric", GOLDEN / "make_metric.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden():
    with np.load(GOLDEN / "metric.npz") as file:
        return dict(file)


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch, tmp_path):
    """Neither the network nor the user's cache takes part in a test."""
    monkeypatch.setenv("GANIME_OFFLINE", "1")
    monkeypatch.setenv("GANIME_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GANIME_WEIGHTS", raising=False)


@pytest.fixture
def folder(tmp_path):
    """Writes pictures to a folder as PNG: `folder("name", {"a": array})`."""
    from PIL import Image

    def write(name, pictures):
        path = tmp_path / name
        path.mkdir()
        for stem, picture in pictures.items():
            Image.fromarray(picture).save(path / f"{stem}.png")
        return path

    return write
