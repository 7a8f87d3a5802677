"""StyleAnime: the hyper-parameters of the paper and of the released code."""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Positive, Share, Weight

ANIME17 = (
    *("background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear"),
    *("ear_r", "nose", "mouth", "neck", "neck_l", "cloth", "hair", "hat"),
)
"""The paper's classes."""
RELEASED19 = (
    *("background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear"),
    *("ear_r", "nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat"),
)
"""The classes of the released code's maps."""


@dataclasses.dataclass(frozen=True)
class StyleAnimeConfig(TrainableConfig):
    """Hyper-parameters of StyleAnime; the prior's sizes are those of the StyleGAN2 it borrows."""

    load_size: Count = 256
    """Size that pictures are resized to before the random crop of `image_size`: no crop."""
    num_steps: CountOrNone = 300_000
    """Steps of the whole training, as the released code; the paper does not say."""
    class_names: tuple[str, ...] = ANIME17
    """Names of the maps' classes in the order of their numbers; training takes the data's."""
    latent_size: Count = 512
    """Numbers of the prior's z."""
    style_size: Count = 512
    """Numbers of a latent w."""
    mapping_layers: Count = 8
    """Layers of the prior's mapping network."""
    channel_base: Count = 32768
    """Channels of a resolution of the prior and of D2 are this over the resolution."""
    channel_max: Count = 512
    """Most channels of a layer of the prior and of D2."""
    group_size: Count = 4
    """Pictures that D2's minibatch standard deviation is taken over."""
    units: tuple[Count, ...] = (3, 4, 14, 3)
    """Residual units of the four stages of the encoders."""
    filters: Count = 64
    """Channels of the encoders' first stage; each further one has twice as many."""
    appearance_codes: Count = 4
    """Latents, the last ones, that the picture decides on; the map decides on the others."""
    parsing_encoder: bool = True
    """Off: one encoder of the picture gives all latents (Table 3, w/o PE)."""
    style_encoder: bool = True
    """Off: one encoder of the map gives all latents (Table 3, vanilla)."""
    share_parsing_encoder: bool = True
    """One parsing encoder for both domains (off: Table 3, w/o WS-P)."""
    share_style_encoder: bool = True
    """One style encoder for both domains (both off: Table 3, w/o WS)."""
    optimizer: Literal["adam", "ranger"] = "adam"
    """Of the encoders; D1 and D2 have Adam."""
    learning_rate: Positive = 1e-4
    """Step size of all optimizers."""
    reconstruction_weight: Weight = 2.5
    """lambda 1, weight of the mean squared difference to the anime picture, eq. (2)."""
    perceptual_weight: Weight = 2.0
    """lambda 2, weight of the perceptual distance to it, eq. (3)."""
    perceptual: Literal["lpips-alex", "lpips-squeeze", "random"] = "lpips-alex"
    """Network that compares: LPIPS's AlexNet (the paper's), its SqueezeNet, or a random VGG."""
    colour_weight: Weight = 0.1
    """lambda 3, weight of the colour preservation, eq. (5)."""
    colour_distance: Literal["squared", "absolute"] = "squared"
    """Squared difference of pictures in [-1, 1], or absolute in levels of [0, 255] (released)."""
    hair_weight: Weight = 1.0
    """alpha_h, weight of the hair; the paper does not give it."""
    skin_weight: Weight = 1.0
    """alpha_s, weight of face, ears, nose, mouth and neck."""
    eyes_weight: Weight = 1.0
    """alpha_e, weight of each eye with its brow."""
    latent_weight: Weight = 0.1
    """lambda 4, weight of the adversarial loss on latents, eq. (6); 0: no D1."""
    latent_layers: Literal["paper", "released"] = "paper"
    """D1 with four layers, or with five of which the first has no activation."""
    adversarial_weight: Weight = 0.1
    """lambda 5, weight of the adversarial loss on pictures, eq. (8); 0: no D2."""
    adversarial_source: bool = True
    """The encoders are judged by translated portraits too, as eq. (8) has it."""
    r1_weight: Weight = 10.0
    """gamma, twice the weight of D2's squared gradient, in every step."""
    norm_weight: Weight = 0.0
    """Weight of the latents' distance to the mean latent (released code: .005)."""
    identity_weight: Weight = 0.0
    """Weight of the distance of ArcFace features (released code: .1)."""
    second_forward: bool = False
    """Encode and draw anew after D1's and D2's update, as the released code."""
    bank_size: Count = 50_000
    """Entries of the FaceBank."""
    bank_neighbours: Count = 10
    """k, entries that the anchor is made of; the released code's, the paper does not say."""
    bank_alpha: Share = 0.9
    """alpha of eq. (14), share of the picture's own latents; 1: no FaceBank."""
    bank_weights: Literal["paper", "released"] = "paper"
    """Weights of the neighbours by eq. (13), or with the released code's pull to the first."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        size = self.image_size
        if size < 16 or size & (size - 1):
            raise ValueError(f"`image_size` must be a power of 2 from 16 on. Received {size}.")
        if not self.parsing_encoder and not self.style_encoder:
            raise ValueError("`parsing_encoder` and `style_encoder` are both off: keep one.")
        if len(self.units) != 4:
            raise ValueError(f"`units` must have four numbers. Received {self.units}.")
        if len(self.class_names) < 2:
            raise ValueError(f"`class_names` needs two names. Received {self.class_names}.")
        if self.bank_neighbours > self.bank_size:
            raise ValueError(
                f"`bank_neighbours` ({self.bank_neighbours}) must not be more than `bank_size` "
                f"({self.bank_size})."
            )
        if self.identity_weight and size != 256:
            raise ValueError("`identity_weight` needs pictures of 256 px: faces are cut from them.")
        if self.batch_size % min(self.group_size, self.batch_size):
            raise ValueError(
                f"`batch_size` ({self.batch_size}) must be a multiple of `group_size` "
                f"({self.group_size})."
            )

    def for_data(self, source) -> "StyleAnimeConfig":
        """Takes the names of the data's classes."""
        names = tuple(source.labels)
        return dataclasses.replace(self, class_names=names) if names else self


PRESETS = {
    "styleanime": StyleAnimeConfig(),
    "styleanime-released": StyleAnimeConfig(
        class_names=RELEASED19,
        optimizer="ranger",
        colour_distance="absolute",
        hair_weight=0.01,
        skin_weight=0.01,
        eyes_weight=0.01,
        latent_layers="released",
        adversarial_source=False,
        norm_weight=0.005,
        identity_weight=0.1,
        second_forward=True,
        bank_weights="released",
    ),
    "styleanime-tiny": StyleAnimeConfig(
        image_size=32,
        load_size=32,
        batch_size=4,
        num_steps=4_000,
        latent_size=64,
        style_size=64,
        mapping_layers=4,
        channel_base=512,
        channel_max=64,
        units=(1, 1, 1, 1),
        filters=8,
        learning_rate=1e-3,
        perceptual="random",
        r1_weight=0.2,
        bank_size=512,
        bank_neighbours=5,
    ),
}
