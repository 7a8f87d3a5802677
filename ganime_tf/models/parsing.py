"""Face and anime parsing: BiSeNet and DANet (StyleAnime, section 3, Table 1).

Papers: Yu et al. 2018 (arXiv 1808.00897), Fu et al. 2019 (arXiv 1809.02983); StyleAnime.
Deviations: docs/models/parsing.md.
"""

import keras
import tensorflow as tf

from ganime_tf.configs.parsing_bisenet import PRESETS as BISENET_PRESETS
from ganime_tf.configs.parsing_bisenet import BiSeNetConfig
from ganime_tf.configs.parsing_danet import PRESETS as DANET_PRESETS
from ganime_tf.configs.parsing_danet import DANetConfig
from ganime_tf.losses.segmentation import cross_entropy, ohem_cross_entropy
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.schedules import PolynomialDecay
from ganime_tf.models.segmenter import Segmenter
from ganime_tf.networks.bisenet import build_bisenet
from ganime_tf.networks.danet import build_danet


@keras.saving.register_keras_serializable("ganime_tf")
class HeadSGD(keras.optimizers.SGD):
    """PyTorch's SGD with momentum, and a larger step outside a backbone.

    `v = momentum * v + g; w -= rate * v`: unlike Keras' own, a changing rate does not act on old
    gradients.

    Args:
        learning_rate: Step size of the backbone, or a schedule.
        momentum: Factor of the old `v`, above 0.
        backbone: Start of the names of the backbone's layers.
        head_rate: Factor of the step size of all others.
        **kwargs: Of `keras.optimizers.SGD`.
    """

    def __init__(
        self, learning_rate=0.01, momentum=0.9, backbone: str = "", head_rate=1.0, **kwargs
    ):
        super().__init__(learning_rate, momentum=momentum, **kwargs)
        self.backbone = backbone
        self.head_rate = head_rate

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable and its momentum."""
        index = self._get_variable_index(variable)
        path = self._trainable_variables[index].path
        rate = learning_rate if path.startswith(self.backbone) else learning_rate * self.head_rate
        velocity = self.momentums[index]
        moved = self.momentum * keras.ops.cast(velocity, variable.dtype) + keras.ops.cast(
            gradient, variable.dtype
        )
        self.assign(velocity, moved)
        self.assign_sub(variable, keras.ops.cast(rate, variable.dtype) * moved)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return super().get_config() | {"backbone": self.backbone, "head_rate": self.head_rate}


class Parser(Segmenter):
    """What the parsers share: one network with several outputs, the first being the result."""

    loss_names = ("loss", "result")
    backbone = ""

    def default_optimizers(self, steps_per_epoch):
        """SGD with momentum or Adam, polynomially decayed."""
        config = self.config
        rate = config.learning_rate
        if steps_per_epoch:
            rate = PolynomialDecay(
                rate, config.total_steps(steps_per_epoch), config.power, config.warmup_steps
            )
        if config.optimizer == "adam":
            return {"generator": Adam(rate, config.momentum, 0.999, 1e-8, epsilon_last=True)}
        return {"generator": HeadSGD(rate, config.momentum, self.backbone, config.head_rate)}

    def train_step(self, batch):
        """One update on `{"b", "parsing"}`: pictures in [-1, 1] and int class numbers.

        The maps may hold -1, which does not count.
        """
        with tf.GradientTape() as tape:
            outputs = self.network(batch["b"], training=True)
            losses = [self._loss(scores, batch["parsing"]) for scores in outputs]
            total = sum(weight * loss for weight, loss in zip(self._weights(), losses, strict=True))
        self.minimize(tape, total, "generator")
        return self.track(loss=total, result=losses[0])

    def call(self, x, training=False):
        """Scores `(N, H, W, classes)` of float pictures in [-1, 1], sides multiples of `stride`."""
        network = self.network if training else self.for_inference(self.network)
        return network(x, training=training)[0]


@keras.saving.register_keras_serializable("ganime_tf")
class ParsingBiSeNet(Parser):
    """BiSeNet, trained on its hard pixels at three depths."""

    Config = BiSeNetConfig
    presets = BISENET_PRESETS
    backbone = "cp.resnet."

    @property
    def stride(self) -> int:
        """Sizes are padded to multiples of this."""
        return 4 if self.config.small_input else 32

    def build_networks(self):
        """Builds the network."""
        config = self.config
        self.network = build_bisenet(
            num_classes=config.num_classes,
            filters=config.filters,
            small_input=config.small_input,
            name="parser",
        )
        return {"generator": [self.network]}

    def weight_decay(self, variable) -> float:
        """Weight decay of the convolutions' kernels only, as released."""
        return self.config.l2_weight if len(variable.shape) > 1 else 0.0

    def _weights(self):
        return (1.0, 1.0, 1.0)

    def _loss(self, scores, labels):
        share = self.config.hard_share * tf.cast(tf.size(labels), tf.float32)
        num_hard = tf.maximum(tf.cast(share, tf.int32), 1)
        return ohem_cross_entropy(scores, labels, num_hard, self.config.hard_threshold, ignore=-1)


@keras.saving.register_keras_serializable("ganime_tf")
class ParsingDANet(Parser):
    """DANet, or FCN or DeepLab v3 on the same dilated ResNet, trained by cross-entropy."""

    Config = DANetConfig
    presets = DANET_PRESETS
    backbone = "pretrained."

    @property
    def stride(self) -> int:
        """Sizes are padded to multiples of this."""
        return 1 if self.config.small_input else 8

    def build_networks(self):
        """Builds the network."""
        config = self.config
        self.network = build_danet(
            num_classes=config.num_classes,
            depth=config.depth,
            filters=config.filters,
            head=config.head,
            multi_grid=(4, 8, 16) if config.multi_grid else None,
            deep_stem=config.deep_stem,
            auxiliary=config.auxiliary_weight > 0,
            small_input=config.small_input,
            name="parser",
        )
        return {"generator": [self.network]}

    def weight_decay(self, variable) -> float:
        """Weight decay of every variable, as released."""
        del variable
        return self.config.l2_weight

    def _weights(self):
        weights = (1.0, 1.0, 1.0) if self.config.head == "danet" else (1.0,)
        extra = self.config.auxiliary_weight
        return weights + ((extra,) if extra else ())

    def _loss(self, scores, labels):
        return cross_entropy(scores, labels, ignore=-1)
