"""Writes filters.npz: OpenCV's edges, resizing and the official edge smoothing of made pictures.

Run `python tests/golden/make_filters.py` (needs OpenCV). The smoothing is the loop that AnimeGAN's
`edge_smooth.py` and CartoonGAN's authors use; nothing of ganime_tf is imported.
"""

from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).resolve().parent


def drawing(height, width, seed):
    """Flat areas with dark outlines on a shaded ground, with a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = np.stack([120 + x, 90 + y, 200 - x // 2 - y // 2], -1).clip(0, 255).astype(np.uint8)
    for _ in range(7):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(4, width // 3)), int(rng.integers(4, height // 3)))
        shape = (centre, axes, int(rng.integers(180)), 0, 360)
        fill, outline = rng.integers(0, 256, 3).tolist(), rng.integers(0, 60, 3).tolist()
        cv2.ellipse(image, *shape, fill, -1)
        cv2.ellipse(image, *shape, outline, int(rng.integers(1, 3)))
    noise = rng.integers(-4, 5, image.shape)
    return (image.astype(int) + noise).clip(0, 255).astype(np.uint8)


def smooth(image, edges):
    """`edge_smooth.py`: pixels under the dilated edges get the Gaussian mean of their 5x5."""
    gauss = cv2.getGaussianKernel(5, 0)
    gauss = gauss * gauss.transpose(1, 0)
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="reflect")
    dilation = cv2.dilate(edges, np.ones((5, 5), np.uint8))
    result = np.copy(image)
    for i, j in zip(*np.where(dilation != 0), strict=True):
        for channel in range(3):
            window = padded[i : i + 5, j : j + 5, channel]
            result[i, j, channel] = np.sum(np.multiply(window, gauss))
    return result


def main():
    out = {}
    for number, shape in enumerate([(64, 64), (48, 80), (33, 47)]):
        image = drawing(*shape, number)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        edges = cv2.Canny(grey, 100, 200)
        out |= {
            f"image{number}": image,
            f"edges{number}": np.packbits(edges > 0),
            f"smooth{number}": smooth(image, edges),
        }
        size = [(31, 29), (40, 60), (50, 20)][number]
        out[f"resized{number}"] = cv2.resize(image, size[::-1])
    np.savez_compressed(HERE / "filters.npz", **out)


if __name__ == "__main__":
    main()
