"""StyleAnime: portraits, by their parsing map, into the latents of an anime StyleGAN2.

Paper: Li et al. 2023, ACM TOG 42(3). Official code: zsl2018/StyleAnime. Deviations:
docs/models/styleanime.md.

Code name -> paper symbol: structure -> E_p, appearance -> E_s, mapping and synthesis -> G_y,
latent_discriminator -> D_1, discriminator -> D_2, bank -> S_bank.
"""

import keras
import numpy as np
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.configs.styleanime import PRESETS, StyleAnimeConfig
from ganime_tf.layers.face_bank import FaceBank
from ganime_tf.layers.random import current_randomness, random_scope
from ganime_tf.losses import styleanime as terms
from ganime_tf.losses.stylegan2 import r1_penalty
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.ranger import Ranger
from ganime_tf.models.styleanime_uses import ParsedDrawing
from ganime_tf.networks import styleanime as networks
from ganime_tf.networks.features import load_features
from ganime_tf.networks.ir_se import cut_face, load_identity
from ganime_tf.networks.lpips import load_lpips_network
from ganime_tf.networks.stylegan2 import (
    build_mapping,
    build_stylegan2_discriminator,
    build_synthesis,
)
from ganime_tf.weights import find_weights, read_tensors

# Regions whose colours are kept, in both spellings of their classes: hair, skin, each eye.
_REGIONS = (
    {"hair"},
    {"skin", "nose", "mouth", "neck", "l_ear", "r_ear", "left_ear", "right_ear"},
    {"l_eye", "l_brow", "left_eye", "left_brow"},
    {"r_eye", "r_brow", "right_eye", "right_brow"},
)
_RANDOM_TAPS = ("block1_relu2", "block2_relu2", "block3_relu4")
_LPIPS = {"lpips-alex": "alex", "lpips-squeeze": "squeeze"}
_BANK_SEED = 50_000


@keras.saving.register_keras_serializable("ganime_tf")
class StyleAnime(ParsedDrawing):
    """Two encoders into a frozen prior, against judges of latents and of pictures.

    A batch is pictures and maps of both domains: portraits `a`, `a_parsing` and anime `b`,
    `b_parsing`, unpaired.
    """

    Config = StyleAnimeConfig
    presets = PRESETS
    data_kind = "unpaired_parsing"
    batch_keys = ("a", "a_parsing", "b", "b_parsing")
    parts = {"mapping": "stylegan2", "synthesis": "stylegan2"}
    _perceptual, _identity = None, None

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns, unweighted."""
        config = self.config
        weights = {
            "d_latent": config.latent_weight,
            "d_image": config.adversarial_weight,
            "d_r1": config.adversarial_weight,
            "g_reconstruction": 1.0,
            "g_perceptual": config.perceptual_weight,
            "g_colour": config.colour_weight,
            "g_latent": config.latent_weight,
            "g_image": config.adversarial_weight,
            "g_norm": config.norm_weight,
            "g_identity": config.identity_weight,
        }
        return tuple(name for name, weight in weights.items() if weight)

    def build_networks(self):
        """Builds the prior, the encoders and the judges."""
        config = self.config
        sizes = {"image_size": config.image_size, "channel_base": config.channel_base,
                 "channel_max": config.channel_max}  # fmt: skip
        self.mapping = build_mapping(
            latent_size=config.latent_size,
            style_size=config.style_size,
            num_layers=config.mapping_layers,
        )
        self.synthesis = build_synthesis(style_size=config.style_size, **sizes)
        self.num_structure, self.num_appearance = networks.split_codes(
            config.image_size, config.appearance_codes
        )
        self.bank = FaceBank(
            config.bank_size,
            config.style_size,
            config.bank_neighbours,
            config.bank_weights == "released",
            name="bank",
        )
        self.regions = self._colour_regions()
        groups = {"generator": self._build_encoders()}
        if config.latent_weight:
            self.latent_discriminator = networks.build_latent_discriminator(
                num_styles=self.num_structure + self.num_appearance,
                style_size=config.style_size,
                width=config.style_size,
                released=config.latent_layers == "released",
            )
            groups["latent_discriminator"] = [self.latent_discriminator]
        if config.adversarial_weight:
            self.discriminator = build_stylegan2_discriminator(
                group_size=config.group_size, **sizes
            )
            groups["discriminator"] = [self.discriminator]
        return groups

    def _build_encoders(self):
        config = self.config
        classes = len(config.class_names)
        structure, appearance = self.num_structure, self.num_appearance
        whole = networks.whole_heads(structure, appearance)
        both = config.parsing_encoder and config.style_encoder

        def build(channels, heads, name):
            return networks.build_pyramid_encoder(
                image_size=config.image_size,
                in_channels=channels,
                heads=heads,
                units=config.units,
                filters=config.filters,
                style_size=config.style_size,
                name=name,
            )

        made = []
        for part, wanted, shared, channels, heads in (
            ("structure", config.parsing_encoder, config.share_parsing_encoder, classes,
             networks.structure_heads(structure) if both else whole),
            ("appearance", config.style_encoder, config.share_style_encoder, 3,
             (0, 0, appearance) if both else whole),
        ):  # fmt: skip
            if wanted:
                setattr(self, part, build(channels, heads, part))
                made.append(getattr(self, part))
            if wanted and not shared:
                setattr(self, f"{part}_of_a", build(channels, heads, f"{part}_of_a"))
                made.append(getattr(self, f"{part}_of_a"))
        return made

    def _colour_regions(self):
        """0 or 1 for each region and class, `(R, classes)`."""
        names = self.config.class_names
        table = np.array([[name in region for name in names] for region in _REGIONS], np.float32)
        if self.config.colour_weight and not table.any():
            raise ValueError(
                "`colour_weight` is above 0, but no class is hair, skin or eye: "
                f"{', '.join(names)}. Give `class_names`, or --colour-weight 0."
            )
        return table

    def default_optimizers(self, steps_per_epoch):
        """Adam or Ranger for the encoders, Adam for the judges, constant rates (section 5.1)."""
        del steps_per_epoch
        rate = self.config.learning_rate
        made = {group: Adam(rate, 0.9, 0.999, 1e-8) for group in self.groups}
        if self.config.optimizer == "ranger":
            made["generator"] = Ranger(rate)
        return made

    def load_pretrained(self):
        """Loads the networks that compare pictures and faces."""
        config = self.config
        with tf.init_scope():
            if config.perceptual_weight and self._perceptual is None:
                self._perceptual = self._own_distance()
            if config.identity_weight and self._identity is None:
                faces = load_identity(find_weights("model_ir_se50.pth"), read_tensors)
                # In a function, so that Keras neither saves nor trains it.
                self._identity = lambda x: faces(cut_face(x), training=False)

    def _own_distance(self):
        kind = self.config.perceptual
        if kind == "random":
            features = load_features(kind, _RANDOM_TAPS)
            return lambda x, y: terms.perceptual_distance(features(x), features(y))
        lpips, _ = load_lpips_network(_LPIPS[kind])
        return lambda x, y: tf.reduce_mean(lpips([tf.cast(x, tf.float32), y], training=False))

    def prepare(self, source) -> None:
        """Fills the FaceBank from the prior."""
        del source
        self.fill_bank()

    def fill_bank(self) -> None:
        """Fills the FaceBank with latents of the prior, of fixed seeds (section 4.3)."""
        config, codes = self.config, []
        for start in range(0, config.bank_size, 1000):
            count = min(1000, config.bank_size - start)
            z = tf.random.stateless_normal((count, config.latent_size), (_BANK_SEED, start))
            codes.append(np.asarray(self.mapping(z, training=False)))
        self.bank.fill(np.concatenate(codes))

    @tf.autograph.experimental.do_not_convert  # nothing to convert, and quicker to trace
    def train_step(self, batch):
        """One update of D1, D2 and the encoders (section 4.2).

        Args:
            batch: Pictures `a`, `b` float32 `(N, S, S, 3)` in [-1, 1], and maps of class numbers
                `a_parsing`, `b_parsing` int `(N, S, S)`.
        """
        if current_randomness() is None:  # a step called by hand
            with random_scope(self.seed, self.step):
                return self.train_step(batch)
        self.load_pretrained()
        if self.config.second_forward:
            parts = self._update_judges(batch, self._draw_both(batch))
        with tf.GradientTape() as tape:
            drawn = self._draw_both(batch)
            if not self.config.second_forward:
                with tape.stop_recording():
                    parts = self._update_judges(batch, drawn)
            total, own = self._encoder_loss(batch, drawn)
        self.minimize(tape, total, "generator")
        return self.track(**{name: {**parts, **own}[name] for name in self.loss_names})

    def _draw_both(self, batch):
        """Codes and pictures by domain; the prior draws with fresh noise."""
        codes = {x: self.encode(batch[f"{x}_parsing"], batch[x], x, True) for x in ("b", "a")}
        return codes, {x: self.synthesis(code, training=True) for x, code in codes.items()}

    def _update_judges(self, batch, drawn):
        codes, pictures = drawn
        parts = {}
        if self.config.latent_weight:
            with tf.GradientTape() as tape:  # eq. (7)
                real = self.latent_discriminator(codes["b"], training=True)
                fake = self.latent_discriminator(codes["a"], training=True)
                parts["d_latent"] = losses.gan_discriminator_loss(real, fake)
            self.minimize(tape, parts["d_latent"], "latent_discriminator")
        if self.config.adversarial_weight:
            parts |= self._update_discriminator(batch["b"], pictures)
        return parts

    def _update_discriminator(self, real, pictures):
        """D2 with its penalty in every step, eq. (9)."""
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(real)
                scores = self.discriminator(real, training=True)
                total = tf.reduce_sum(scores)
            penalty = r1_penalty(inner.gradient(total, real))
            d_image = losses.gan_generator_loss(scores)  # real ones towards 1
            for side in ("b", "a"):
                fake = self.discriminator(pictures[side], training=True)
                d_image += tf.reduce_mean(tf.nn.softplus(tf.cast(fake, tf.float32)))
            loss = d_image + self.config.r1_weight / 2 * penalty
        self.minimize(tape, loss, "discriminator")
        return {"d_image": d_image, "d_r1": penalty}

    def _encoder_loss(self, batch, drawn):
        """The weighted sum of eq. (10), and its terms."""
        config, (codes, pictures) = self.config, drawn
        real, fake = batch["b"], pictures["b"]
        parts = {"g_reconstruction": losses.l2(fake, real)}
        total = config.reconstruction_weight * parts["g_reconstruction"]
        if config.perceptual_weight:
            parts["g_perceptual"] = self._perceptual(fake, real)
            total += config.perceptual_weight * parts["g_perceptual"]
        if config.colour_weight:
            masks = tf.einsum("nhwc,rc->nrhw", self.one_hot(batch["b_parsing"]), self.regions)
            weights = (config.hair_weight, config.skin_weight, *[config.eyes_weight] * 2)
            parts["g_colour"] = terms.colour_preservation(
                fake, real, masks > 0.5, weights, config.colour_distance
            )
            total += config.colour_weight * parts["g_colour"]
        if config.latent_weight:
            scores = self.latent_discriminator(codes["a"], training=True)
            parts["g_latent"] = losses.gan_generator_loss(scores)  # eq. (6)
            total += config.latent_weight * parts["g_latent"]
        if config.adversarial_weight:
            sides = ("b", "a") if config.adversarial_source else ("b",)
            parts["g_image"] = sum(
                losses.gan_generator_loss(self.discriminator(pictures[side], training=True))
                for side in sides
            )  # eq. (8)
            total += config.adversarial_weight * parts["g_image"]
        if config.norm_weight:
            parts["g_norm"] = sum(
                terms.code_length(code, self.mean_latent()) for code in codes.values()
            )
            total += config.norm_weight * parts["g_norm"]
        if config.identity_weight:
            faces = self._identity(fake), self._identity(real)
            parts["g_identity"] = terms.identity_distance(*faces)
            total += config.identity_weight * parts["g_identity"]
        return total, parts
