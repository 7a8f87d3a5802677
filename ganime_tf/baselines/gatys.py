"""Neural style transfer by optimising the picture itself (Gatys et al. 2016, arXiv 1508.06576).

Constants are those of the TensorFlow tutorial, which the GANime sketches paper (section 5.1) took
over. The paper's code fed pictures in [0, 255] where [0, 1] is expected; here they are right.
"""

import dataclasses
import logging
from collections.abc import Callable
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.losses.perceptual import gram_matrix
from ganime_tf.ops.colour import match_colours, transfer_luminance
from ganime_tf.ops.images import check_uint8
from ganime_tf.progress import progress

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class GatysConfig:
    """Settings of the optimisation."""

    num_steps: int = 1000
    """Steps: the tutorial's 10 epochs of 100."""
    optimizer: Literal["adam", "lbfgs"] = "adam"
    """Adam on the clipped picture, or L-BFGS with bounds (the original paper's method)."""
    learning_rate: float = 0.02
    """Adam's step size."""
    beta_1: float = 0.99
    """Adam's first decay."""
    epsilon: float = 0.1
    """Adam's epsilon; so large a value damps the step."""
    content_layers: tuple[str, ...] = ("block5_relu2",)
    """Layers whose values are kept."""
    style_layers: tuple[str, ...] = tuple(f"block{block}_relu1" for block in range(1, 6))
    """Layers whose Gram matrices are taken from the style."""
    content_weight: float = 1e4
    """Weight of the content, over the number of its layers."""
    style_weight: float = 1e-2
    """Weight of the style, over the number of its layers."""
    tv_weight: float = 0.0
    """Weight of the total variation summed over the picture; the tutorial's option is 30."""
    colours: Literal["style", "luminance", "histogram"] = "style"
    """Colours of the result: the style's; the content's, by transferring only the luminance; or
    the content's, by first recolouring the style picture."""

    def __post_init__(self):
        """Checks the fields."""
        if self.num_steps < 1:
            raise ValueError(f"`num_steps` must be at least 1. Received {self.num_steps}.")
        if self.optimizer not in ("adam", "lbfgs"):
            raise ValueError(f"`optimizer` must be 'adam' or 'lbfgs'. Received {self.optimizer!r}.")
        if self.colours not in ("style", "luminance", "histogram"):
            raise ValueError(
                f"`colours` must be 'style', 'luminance' or 'histogram'. Received {self.colours!r}."
            )


_SQUEEZENET = GatysConfig(
    content_layers=("fire5",), style_layers=("conv1", "fire2", "fire3", "fire4", "fire5")
)

GATYS_PRESETS = {
    "tutorial": GatysConfig(),
    # "1000 epochs" of 100 steps each, section 5.1
    "ganime": GatysConfig(num_steps=100_000),
    # SqueezeNet's features are smaller than VGG's, and its stride in the first layer leaves a grid
    # that only total variation removes. Chosen by eye on portraits and drawings of 160 px.
    "squeezenet": dataclasses.replace(
        _SQUEEZENET, content_weight=1.0, style_weight=4.0, tv_weight=0.3
    ),
    "tiny": GatysConfig(
        num_steps=5, content_layers=("block2_relu1",), style_layers=("block1_relu1",)
    ),
}


class StyleTransfer:
    """Gatys' method with a feature network.

    Args:
        features: Function of RGB in [-1, 1], `(1, H, W, 3)`, to `{layer: features}`, with the
            layers of `config`; see `ganime_tf.networks.features.load_features`.
        config: Settings; defaults to the tutorial's.
    """

    def __init__(self, features: Callable, config: GatysConfig | None = None):
        self.features = features
        self.config = config or GatysConfig()
        self.name = "gatys"
        self._gradient = tf.function(self._value_and_gradient, reduce_retracing=True)

    def translate(
        self,
        images: np.ndarray,
        style: np.ndarray,
        *,
        on_step: Callable[[int, float, Callable], None] | None = None,
    ) -> np.ndarray:
        """Paints pictures in the style of another.

        Args:
            images: Content, uint8 `(H, W, 3)` or `(N, H, W, 3)`.
            style: uint8 `(h, w, 3)`.
            on_step: Called as `on_step(step, loss, picture)` after every step, where `picture()`
                returns the uint8 picture so far.

        Returns:
            uint8 of the shape of `images`.

        Raises:
            ValueError: When a picture is not uint8 RGB.
        """
        check_uint8(images)
        check_uint8(style, "style")
        if len(style.shape) != 3:
            raise ValueError(f"`style` must be one picture (h, w, 3). Received {style.shape}.")
        images = np.asarray(images)
        if images.ndim == 4:
            return np.stack([self.translate(image, style, on_step=on_step) for image in images])
        content = images.astype(np.float32) / 255.0
        painted = np.asarray(style).astype(np.float32) / 255.0
        if self.config.colours == "histogram":
            painted = match_colours(painted, content)

        def finish(picture):
            if self.config.colours == "luminance":
                picture = transfer_luminance(picture, content)
            return np.round(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)

        targets = self.targets(content[None], painted[None])
        optimise = self._adam if self.config.optimizer == "adam" else self._lbfgs

        def report(step, loss, picture):
            if on_step is not None:
                on_step(step, loss, lambda: finish(picture()[0]))

        return finish(optimise(content[None], targets, report)[0])

    def targets(self, content, style) -> tuple[list, list]:
        """Returns the content's features and the style's Gram matrices, of pictures in [0, 1]."""
        kept = self.features(tf.constant(content) * 2.0 - 1.0)
        taken = self.features(tf.constant(style) * 2.0 - 1.0)
        return (
            [kept[layer] for layer in self.config.content_layers],
            [gram_matrix(taken[layer], "positions") for layer in self.config.style_layers],
        )

    def loss(self, picture, targets):
        """Weighted content, style and total variation of a picture in [0, 1]."""
        config = self.config
        contents, grams = targets
        features = self.features(picture * 2.0 - 1.0)
        content = sum(
            tf.reduce_mean(tf.square(features[layer] - target))
            for layer, target in zip(config.content_layers, contents, strict=True)
        )
        style = sum(
            tf.reduce_mean(tf.square(gram_matrix(features[layer], "positions") - target))
            for layer, target in zip(config.style_layers, grams, strict=True)
        )
        total = config.content_weight / len(config.content_layers) * content
        total += config.style_weight / len(config.style_layers) * style
        if config.tv_weight:
            total += config.tv_weight * tf.reduce_sum(tf.image.total_variation(picture))
        return total

    def _value_and_gradient(self, picture, targets):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            loss = self.loss(picture, targets)
        return loss, tape.gradient(loss, picture)

    def _adam(self, start, targets, report):
        config = self.config
        picture = keras.Variable(start, dtype="float32")
        adam = keras.optimizers.Adam(config.learning_rate, config.beta_1, epsilon=config.epsilon)
        adam.build([picture])
        for step in progress(range(1, config.num_steps + 1), desc="style", unit="steps"):
            loss, gradient = self._gradient(tf.convert_to_tensor(picture), targets)
            adam.apply([gradient], [picture])
            picture.assign(keras.ops.clip(picture, 0.0, 1.0))
            report(step, float(loss), picture.numpy)
        return picture.numpy()

    def _lbfgs(self, start, targets, report):
        from scipy.optimize import minimize

        step, last = 0, 0.0

        def objective(x):
            nonlocal last
            picture = tf.constant(x.reshape(start.shape), tf.float32)
            loss, gradient = self._gradient(picture, targets)
            last = float(loss)
            return last, gradient.numpy().astype(np.float64).ravel()

        def after(x):
            nonlocal step
            step += 1
            report(step, last, lambda: x.reshape(start.shape).astype(np.float32))

        result = minimize(
            objective,
            start.astype(np.float64).ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, 1.0)] * start.size,
            callback=after,
            options={"maxiter": self.config.num_steps, "maxfun": 2 * self.config.num_steps},
        )
        return result.x.reshape(start.shape).astype(np.float32)
