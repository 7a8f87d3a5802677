"""Fast style transfer from any picture (Ghiasi et al. 2017, arXiv 1705.06830), as TF-Hub has it.

The module `google/magenta/arbitrary-image-stylization-v1-256` takes pictures in [0, 1]; the sources
of the GANime sketches paper fed [0, 255]. The same network exists as a pair of LiteRT files, whose
100 numbers between style and picture can be mixed.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.ops.graphs import check_only_computes
from ganime_tf.ops.images import check_uint8
from ganime_tf.ops.litert import open_interpreter, run_fitted

logger = logging.getLogger(__name__)

HUB_HANDLE = "https://tfhub.dev/google/magenta/arbitrary-image-stylization-v1-256/2"
_STYLE_SIZE = 256


def open_stylizer(source: str | Path = HUB_HANDLE, trust: bool = False) -> "HubStyleTransfer":
    """Opens the stylisation network.

    Args:
        source: The module's handle (downloaded by `tensorflow_hub`), a local SavedModel folder, or
            a folder with the LiteRT files `*predict*.tflite` and `*transfer*.tflite`.
        trust: Open a SavedModel also when its graph could do more than compute.

    Raises:
        FileNotFoundError: When a folder is none of these.
        ImportError: When a handle is given and `tensorflow_hub` cannot be imported.
        OSError: When the module cannot be downloaded.
        ValueError: When a SavedModel asks for `trust`.
    """
    text = str(source)
    if "://" in text:
        return HubStyleTransfer(_ModuleNetwork(_download(text, trust)))
    folder = Path(source)
    if (folder / "saved_model.pb").is_file():
        import tensorflow as tf

        if not trust:
            check_only_computes(folder)
        return HubStyleTransfer(_ModuleNetwork(tf.saved_model.load(text)))
    predict = sorted(folder.glob("*predict*.tflite"))
    transfer = sorted(folder.glob("*transfer*.tflite"))
    if len(predict) == 1 and len(transfer) == 1:
        return HubStyleTransfer(_LiteRTNetwork(predict[0], transfer[0]))
    raise FileNotFoundError(
        f"No stylisation network in {text!r}. Expected a SavedModel (saved_model.pb), or exactly "
        "one *predict*.tflite and one *transfer*.tflite."
    )


def _download(handle: str, trust: bool):
    try:
        import tensorflow_hub as hub
    except ImportError as error:
        raise ImportError(
            f"Loading {handle} needs tensorflow_hub, and it needs setuptools below 82 "
            f"({error}). Or give a local folder: SavedModel, or the pair of LiteRT files."
        ) from error
    try:
        folder = hub.resolve(handle)
    except Exception as error:  # urllib, OSError, ValueError: whatever the download raises
        reason = str(error).strip().splitlines()[0][:200]
        raise OSError(
            f"{handle} could not be loaded: {reason}. Download the module elsewhere and give its "
            "folder, or the folder with the pair of LiteRT files."
        ) from error
    if not trust:
        check_only_computes(folder)
    return hub.load(folder)


class HubStyleTransfer:
    """Stylisation with one or several pictures.

    Args:
        network: What `open_stylizer` found.
    """

    def __init__(self, network):
        self.name = "hub"
        self._network = network

    def translate(
        self,
        images: np.ndarray,
        style: np.ndarray | Sequence[np.ndarray],
        *,
        weights: Sequence[float] | None = None,
        strength: float = 1.0,
    ) -> np.ndarray:
        """Paints pictures in the style of another, or of a mixture.

        Args:
            images: Content of any size, uint8 `(H, W, 3)` or `(N, H, W, 3)`.
            style: uint8 `(h, w, 3)`, or several such pictures.
            weights: Shares of the styles, scaled to sum 1; equal by default. Several styles need
                the LiteRT pair.
            strength: 0 (the content's own style) to 1; less than 1 needs the LiteRT pair.

        Returns:
            uint8 of the shape of `images`.

        Raises:
            ValueError: When a picture is not uint8 RGB, or a setting is out of range or not
                possible with this network.
        """
        check_uint8(images)
        styles = [style] if isinstance(style, np.ndarray) and style.ndim == 3 else list(style)
        if not styles:
            raise ValueError("`style` needs at least one picture. Received none.")
        for each in styles:
            check_uint8(each, "style")
            if each.ndim != 3:
                raise ValueError(
                    f"Each style must be one picture (h, w, 3). Received {each.shape}."
                )
        shares = np.ones(len(styles)) if weights is None else np.asarray(weights, np.float64)
        if shares.shape != (len(styles),) or (shares < 0).any() or shares.sum() <= 0:
            raise ValueError(
                f"`weights` must be {len(styles)} numbers of at least 0, not all 0. Received "
                f"{weights}."
            )
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"`strength` must be in [0, 1]. Received {strength}.")
        images = np.asarray(images)
        batched = images.ndim == 4
        shares /= shares.sum()
        out = [
            self._network.stylize(image, styles, shares, strength)
            for image in (images if batched else [images])
        ]
        return np.stack(out) if batched else out[0]


class _ModuleNetwork:
    """The SavedModel: `module(content, style)[0]`, float [0, 1]."""

    def __init__(self, module):
        self._module = module

    def stylize(self, image, styles, shares, strength):
        import tensorflow as tf

        if len(styles) > 1 or strength < 1.0:
            raise ValueError(
                "The TF-Hub module takes one style at full strength. Use the folder with the pair "
                "of LiteRT files to mix styles or weaken one."
            )
        height, width = image.shape[:2]
        # Two halvings and doublings: a multiple of 4 comes back at its own size.
        bottom, right = -height % 4, -width % 4
        padded = np.pad(image, ((0, bottom), (0, right), (0, 0)), mode="symmetric")
        content, style = (
            tf.constant(_unit(picture)[None]) for picture in (padded, _square(styles[0]))
        )
        return _to_uint8(self._module(content, style)[0][0].numpy()[:height, :width])


class _LiteRTNetwork:
    """Two files: style -> bottleneck of 100 numbers; content and bottleneck -> picture."""

    def __init__(self, predict: Path, transfer: Path):
        threads = os.cpu_count()
        self._predict = open_interpreter(predict, num_threads=threads)
        self._transfer = open_interpreter(transfer, num_threads=threads)
        inputs = self._transfer.get_input_details()
        self._content = next(each for each in inputs if each["shape"][-1] == 3)
        self._bottleneck = next(each for each in inputs if each["shape"][-1] != 3)
        self._size = tuple(map(int, self._content["shape"][1:3]))

    def bottleneck(self, picture: np.ndarray) -> np.ndarray:
        """The style of a uint8 picture, float32 `(1, 1, 1, 100)`."""
        details = self._predict.get_input_details()[0]
        self._predict.set_tensor(details["index"], _unit(_square(picture))[None])
        self._predict.invoke()
        return self._predict.get_tensor(self._predict.get_output_details()[0]["index"]).copy()

    def stylize(self, image, styles, shares, strength):
        style = sum(
            share * self.bottleneck(each) for share, each in zip(shares, styles, strict=True)
        )
        if strength < 1.0:
            style = strength * style + (1.0 - strength) * self.bottleneck(image)
        # The released file doubles to constant sizes, so its content has one size.
        return run_fitted(image, self._size, lambda picture: self._run(picture, style))

    def _run(self, picture, style):
        self._transfer.set_tensor(self._content["index"], _unit(picture)[None])
        self._transfer.set_tensor(self._bottleneck["index"], style.astype(np.float32))
        self._transfer.invoke()
        out = self._transfer.get_output_details()[0]["index"]
        return _to_uint8(self._transfer.get_tensor(out)[0])


def _unit(picture):
    return picture.astype(np.float32) / 255.0


def _to_uint8(picture):
    return np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)


def _square(picture):
    """The style as the network was trained on it: 256x256."""
    size = (_STYLE_SIZE, _STYLE_SIZE)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
