"""Artists of a model that knows some: which are meant, who is near whom, pictures as each of them.

Needs nothing of a model but its uses and `label_names`.
"""

import re
from collections.abc import Sequence

import numpy as np

from ganime_tf.models.uses import label_numbers


def parse_labels(text: str, names: Sequence[str]) -> list[int]:
    """Returns the labels that a text means.

    Args:
        text: "all", a name, a number, or several with commas between them.
        names: The names by number.

    Raises:
        ValueError: On a label that there is not, or a model without labels.
    """
    if not names:
        if text.isdigit():
            return [int(text)]
        raise ValueError(f"This model knows no names of labels. Received {text!r}.")
    if text == "all" and text not in names:
        return list(range(len(names)))
    parts = [text] if text in names else [part.strip() for part in text.split(",")]
    return [int(label_numbers(part, tuple(names))) for part in parts]


def label_folder(label: int, names: Sequence[str]) -> str:
    """Returns a name of a folder: the label's, where that is safe and its own."""
    plain = re.sub(r"[^\w.()+-]+", "_", names[label]).strip("._")
    alike = [name for name in names if re.sub(r"[^\w.()+-]+", "_", name).strip("._") == plain]
    return plain if plain and len(alike) == 1 else f"{plain or 'label'}-{label}"


def style_codes(model) -> np.ndarray:
    """The style codes of all artists, float32 `(A, K)`."""
    count, step = len(model.label_names), 256
    parts = [
        model.run("style_of", label=np.arange(at, min(at + step, count), dtype=np.int32))
        for at in range(0, count, step)
    ]
    return np.concatenate(parts)


def nearest_artists(codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Whose styles are nearest to whose.

    Args:
        codes: float32 `(A, K)`.
        count: Neighbours of each; fewer where there are no more.

    Returns:
        Numbers of the neighbours `(A, count)`, nearest first, and their Euclidean distances.
    """
    codes = np.asarray(codes, np.float64)
    squares = np.square(codes).sum(1)
    distances = np.maximum(squares[:, None] + squares - 2 * codes @ codes.T, 0.0)
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")[:, : min(count, len(codes) - 1)]
    return order, np.sqrt(np.take_along_axis(distances, order, 1))


def between(codes: np.ndarray, steps: int) -> list[np.ndarray]:
    """Codes on the straight way from each code to the next, `steps` each with both ends."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return [(1 - share) * a + share * b for a, b in zip(codes[:-1], codes[1:], strict=True)]


def parse_sum(text: str, names: Sequence[str]) -> list[tuple[int, int]]:
    """Reads "akane - aoi + hana": `(sign, label)` of each term.

    Raises:
        ValueError: When it is no such sum.
    """
    words = text.split()
    if len(words) % 2 == 0 or any(word not in "+-" for word in words[1::2]):
        raise ValueError(
            f"`--sum` takes labels with + and - between spaces: 'akane - aoi + hana'. "
            f"Received {text!r}."
        )
    signs = [1, *(1 if word == "+" else -1 for word in words[1::2])]
    labels = [int(label_numbers(word, tuple(names))) for word in words[::2]]
    return list(zip(signs, labels, strict=True))


def gaussian_codes(codes: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Draws codes of the normal distribution with mean and covariance of these, `(count, K)`."""
    codes = np.asarray(codes, np.float64)
    mean = codes.mean(0)
    values, vectors = np.linalg.eigh(np.cov(codes, rowvar=False))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = np.random.default_rng(seed).standard_normal((count, codes.shape[1]))
    return (mean + drawn @ root.T).astype(np.float32)
