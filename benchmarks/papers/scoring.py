"""Held-out pictures, references, and what is measured on them."""

import functools

import numpy as np
from methods import IMAGE_SIZE, METHODS, NUM_HELD_OUT

from ganime_tf import metrics
from ganime_tf.data import open_data
from ganime_tf.metrics.colour import rgb_to_lab
from ganime_tf.ops.images import to_uint8

_OTHER_WORLD = 1000  # added to a seed: scenes that no run of that seed has


@functools.lru_cache(maxsize=4)
def held_out(kind: str, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and truths, uint8 `(N, 64, 64, 3)`: those that a run of this seed validates on."""
    source = open_data(f"toy:{count}", kind=kind, seed=seed)
    batches = list(source.validation(batch_size=50, image_size=IMAGE_SIZE, limit=NUM_HELD_OUT))
    a, b = (np.concatenate([to_uint8(x[key]).numpy() for x in batches]) for key in ("a", "b"))
    return a, b


def reference(name: str, seed: int, count: int) -> np.ndarray:
    """Outputs of the references: the inputs unchanged, or true pictures of other scenes."""
    method = METHODS[name]
    if method.model == "copy":
        return held_out(method.kind, seed, count)[0]
    return held_out(method.kind, seed + _OTHER_WORLD, count)[1]


def paint(method, seed: int, count: int, steps: int, tries: bool) -> np.ndarray:
    """Neural style as in the paper: each sketch painted in the style of its own true picture.

    Random features, which need no file, only show whether it works.
    """
    import dataclasses

    from ganime_tf.baselines import GATYS_PRESETS, StyleTransfer
    from ganime_tf.networks.features import load_features

    preset = "tutorial" if tries else method.preset
    config = dataclasses.replace(GATYS_PRESETS[preset], num_steps=steps)
    taps = list(dict.fromkeys(config.content_layers + config.style_layers))
    transfer = StyleTransfer(load_features("random" if tries else "squeezenet", taps), config)
    sketches, truths = held_out(method.kind, seed, count)
    pairs = zip(sketches, truths, strict=True)
    return np.stack([transfer.translate(sketch, truth) for sketch, truth in pairs])


def score(outputs: np.ndarray, inputs: np.ndarray, truths: np.ndarray, aligned=True) -> dict:
    """All numbers of one run; without `aligned` only those that need no truth of each picture."""
    names = ("fd_random", "ssim", "l1", "ciede2000") if aligned else ("fd_random",)
    evaluator = metrics.Evaluator(names, resamples=0)
    evaluator.update(truths, outputs)
    report = evaluator.result()
    scores = {name: float(report[name]) for name in report.scores}
    scores["chroma"] = float(np.hypot(*np.moveaxis(rgb_to_lab(outputs)[..., 1:], -1, 0)).mean())
    if aligned:
        scores["ssim_std"] = float(report.scores["ssim"].std)
        scores["ciede2000_to_input"] = float(metrics.ciede2000(inputs, outputs).mean())
        scores["ssim_to_input"] = float(metrics.ssim(inputs, outputs).mean())
    return scores
