"""XGAN: the hyper-parameters, and each reading of what descriptions of it leave open.

There is no official code. Every choice has its reason in docs/models/xgan.md.
"""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, Decay, Positive, Weight


@dataclasses.dataclass(frozen=True)
class XGANConfig(TrainableConfig):
    """Hyper-parameters of XGAN; sizes are the paper's, open choices as documented."""

    image_size: Count = 64
    """Height and width of a training picture; the networks know no other."""
    load_size: Count = 64
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 32
    """Pictures in a step, over all replicas; at least 2: codes are batch-normalized."""
    num_epochs: Count = 700
    """Epochs of the whole training."""
    learning_rate: Positive = 1e-4
    """Adam's step size of encoders and decoders."""
    judge_rate: Positive = 1e-4
    """Adam's step size of discriminators and domain classifier."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.999
    """Adam's second decay."""
    filters: Count = 32
    """Channels of the first layer."""
    code_size: Count = 1024
    """Length of the code."""
    order: Literal["norm_first", "activation_first"] = "norm_first"
    """Batch norm before each ReLU, or after it."""
    code_end: Literal["norm", "relu"] = "norm"
    """The code is a batch-normalized dense layer, or has a ReLU as every other layer."""
    up_kernel: Literal[2, 4] = 4
    """Kernel of the transposed convolutions."""
    dropout: Decay = 0.0
    """Rate between the dense layers of the encoder; two masks make L_sem noisy."""
    gan: Literal["a2b", "both"] = "a2b"
    """Which translations a discriminator judges."""
    reconstruction_weight: Weight = 1.0
    """Weight of L_rec, the Euclidean norm of a picture's error."""
    domain_weight: Weight = 0.7
    """Weight of L_dann on the encoders' side; 0 for none."""
    domain_loss: Literal["bce", "lsgan"] = "bce"
    """Cross-entropy (a loss of a classification, as the paper's), or least squares."""
    domain_update: Literal["alternating", "reversal"] = "alternating"
    """The classifier and the encoders learn one after the other, or in one step through a reversal
    layer: the same gradients of classifiers before and after an update."""
    domain_target: Literal["swap", "confuse", "reverse"] = "reverse"
    """What alternating encoders want of the classifier: the other domain, a half, or the opposite
    of its loss (as the paper)."""
    domain_schedule: Literal["ramp", "constant"] = "ramp"
    """The weight rises over the training by Ganin et al.'s formula, or is constant."""
    classifier_widths: tuple[Count, ...] = (512, 256, 128)
    """Hidden layers of the domain classifier."""
    classifier_norm: bool = False
    """Batch norm in the domain classifier."""
    semantic_weight: Weight = 50.0
    """Weight of L_sem, both ways; 0 for none. 0.5 belongs to the norm `l1_sum` of 1024 values."""
    semantic_norm: Literal["l1", "l1_sum", "l2", "rms"] = "l1"
    """Distance of two codes: mean or sum of absolute differences, Euclidean, or that over the root
    of the length."""
    semantic_detach: bool = False
    """The code of the original picture is a fixed goal; else both codes move."""
    gan_weight: Weight = 1.0
    """Weight of the adversarial loss (cross-entropy, not saturating); 0 for none."""
    teacher_weight: Weight = 0.0
    """Weight of L_teach, on domain a; 0 for none."""
    teacher: Literal["vgg19", "squeezenet", "anime-classifier", "random"] = "vgg19"
    """Whose embedding teaches the code: the mean over places of a network's last features (the
    paper's FaceNet is not to be had); `anime-classifier` comes by `--from`."""
    teacher_norm: Literal["l1", "l1_sum", "l2", "rms"] = "l1"
    """Distance of the teacher's embedding."""
    teacher_filters: tuple[Count, ...] = (32, 64, 128, 256)
    """`filters` of the `anime-classifier` that is given with `--from`."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % 16:
            raise ValueError(f"`image_size` must be a multiple of 16. Received {self.image_size}.")
        if self.filters < 2:
            raise ValueError(f"`filters` must be at least 2. Received {self.filters}.")
        if self.batch_size < 2:
            raise ValueError(
                f"`batch_size` must be at least 2: batch norm of a single code returns its offset "
                f"whatever the picture. Received {self.batch_size}."
            )


PRESETS = {
    "xgan": XGANConfig(),
    "xgan-iamigos": XGANConfig(
        order="activation_first",
        code_end="relu",
        up_kernel=2,
        dropout=0.5,
        semantic_norm="l1_sum",
        semantic_weight=0.5,
        semantic_detach=True,
        domain_schedule="constant",
        classifier_norm=True,
        judge_rate=1e-3,
    ),
    "xgan-tiny": XGANConfig(
        image_size=32,
        load_size=32,
        batch_size=8,
        num_epochs=8,
        filters=8,
        code_size=32,
        classifier_widths=(16,),
        learning_rate=1e-3,
    ),
}
