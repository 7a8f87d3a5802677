"""What StyleAnime draws: a map's structure in the appearance of a picture, a code, a bank entry."""

import numpy as np
import tensorflow as tf

from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import Use
from ganime_tf.ops import images as image_ops
from ganime_tf.ops.pictures import class_colours

_plain = tf.autograph.experimental.do_not_convert  # nothing to convert, and quicker to trace


class ParsedDrawing(Trainable):
    """The part of StyleAnime between its networks and what they are used for.

    A subclass builds `mapping`, `synthesis`, `bank` and the encoders: `structure` of maps or
    `appearance` of pictures or both, and `structure_of_a`, `appearance_of_a` where the domains do
    not share them; it sets `num_structure` and `num_appearance`.
    """

    structure, appearance = None, None
    structure_of_a, appearance_of_a = None, None

    @property
    def style_size(self) -> int:
        """Length of a style code: the latents of the appearance, one after the other."""
        return self.num_appearance * self.config.style_size

    def encode(self, maps, pictures, side: str, training: bool):
        """W+ codes of the encoders, around the prior's mean latent, eq. (1).

        Args:
            maps: int `(N, S, S)`.
            pictures: float32 `(N, S, S, 3)` in [-1, 1].
            side: "a" or "b", their domain.
            training: Whether batch norm sees the batch.

        Returns:
            float32 `(N, L, K)`.
        """
        rows = []
        if self.structure is not None:
            rows.append(self._run_encoder("structure", side, self.one_hot(maps), training))
        if self.appearance is not None:
            rows.append(self._run_encoder("appearance", side, pictures, training))
        return self.mean_latent() + tf.concat(rows, axis=1)

    def _run_encoder(self, part, side, x, training):
        network = getattr(self, f"{part}_of_a") if side == "a" else None
        network = getattr(self, part) if network is None else network
        network = network if training else self.for_inference(network)
        return network(x, training=training)

    def one_hot(self, maps):
        """Maps as the encoder takes them: float32 `(N, S, S, classes)`."""
        return tf.one_hot(maps, len(self.config.class_names), dtype=tf.float32)

    def mean_latent(self):
        """The prior's mean w, `(K,)`."""
        return tf.convert_to_tensor(self.mapping.get_layer("mean").mean)

    def uses(self) -> dict[str, Use]:
        """A portrait by its map, with its own colours or those of something else."""
        alpha = {"truncation": self.config.bank_alpha}
        frame = ("image", "parsing")

        def use(function, *inputs, text):
            return Use(function, (*frame, *inputs, "truncation"), defaults=alpha, help=text)

        return {
            "default": use(self._translate, text="draw a portrait in its own colours"),
            "with_reference": use(
                self._translate, "reference", text="draw a portrait in a reference's colours"
            ),
            "with_style": use(self._translate, "style", text="draw a portrait with a style code"),
            "with_bank": use(
                self._with_bank, "seed", text="draw a portrait in the colours of a FaceBank entry"
            ),
            "nearest": Use(self._nearest, frame, help="the FaceBank entry nearest to a portrait"),
            "style_of": Use(
                self._style_of, ("reference",), "style", help="the style code of a picture"
            ),
        }

    def codes(self, parsing, pictures=None, style=None, *, side="a"):
        """W+ codes of a map and a picture or a style code.

        Args:
            parsing: int `(N, H, W)`.
            pictures: float32 `(N, h, w, 3)` in [-1, 1]: gives the appearance (and the structure
                too without a parsing encoder).
            style: float32 `(N, style_size)` in place of the picture's appearance.
            side: "a" or "b", the domain of the map and the picture.

        Returns:
            float32 `(N, L, K)`: `num_structure` rows of the structure, then `num_appearance` of the
            appearance.
        """
        maps = self._fit_map(tf.convert_to_tensor(parsing))
        fitted = None if pictures is None else self._fit(pictures)
        whole = style is None or self.structure is None
        if whole:
            codes = self.encode(maps, fitted, side, False)
            if style is None:
                return codes
            structure = codes[:, : self.num_structure]
        else:
            rows = self._run_encoder("structure", side, self.one_hot(maps), False)
            structure = self.mean_latent() + rows
            structure = structure[:, : self.num_structure]
        rows = tf.reshape(style, (-1, self.num_appearance, self.config.style_size))
        return tf.concat([structure, rows], axis=1)

    def draw(self, codes, alpha=1.0):
        """Draws W+ codes `(N, L, K)`: float32 `(N, S, S, 3)` in [-1, 1].

        Args:
            codes: float32.
            alpha: Share of the codes beside their FaceBank anchor, eq. (14).
        """
        codes = self.bank(codes, alpha=alpha)
        return tf.clip_by_value(tf.cast(self.synthesis(codes, training=False), tf.float32), -1, 1)

    def _fit(self, pictures):
        """Resizes to the prior's size, which is the only one it draws."""
        size = (self.config.image_size, self.config.image_size)
        return tf.ensure_shape(tf.image.resize(pictures, size, antialias=True), (None, *size, 3))

    def _fit_map(self, maps):
        size = (self.config.image_size, self.config.image_size)
        maps = tf.image.resize(maps[..., None], size, method="nearest")[..., 0]
        return tf.ensure_shape(maps, (None, *size))

    @_plain
    def _translate(self, image, parsing, truncation, reference=None, style=None):
        if reference is not None:
            style = self._style_of(reference)
        codes = self.codes(parsing, image, style)
        return tf.image.resize(self.draw(codes, truncation), tf.shape(image)[1:3])

    @_plain
    def _style_of(self, reference):
        """The appearance of anime pictures; without a style encoder, the mean latent's."""
        if self.appearance is None:
            mean = tf.tile(self.mean_latent()[None], (1, self.num_appearance))
            return tf.repeat(mean, tf.shape(reference)[0], axis=0)
        rows = self._run_encoder("appearance", "b", self._fit(reference), False)
        rows = self.mean_latent() + rows[:, -self.num_appearance :]
        return tf.reshape(rows, (-1, self.style_size))

    @_plain
    def _with_bank(self, image, parsing, seed, truncation):
        entries = tf.gather(tf.convert_to_tensor(self.bank.codes), seed % self.config.bank_size)
        return self._translate(
            image, parsing, truncation, style=tf.tile(entries, (1, self.num_appearance))
        )

    @_plain
    def _nearest(self, image, parsing):
        numbers = self.bank.nearest(self.codes(parsing, image))[:, 0]
        entries = tf.gather(tf.convert_to_tensor(self.bank.codes), numbers)
        rows = tf.repeat(entries[:, None], self.num_structure + self.num_appearance, axis=1)
        return tf.image.resize(self.draw(rows), tf.shape(image)[1:3])

    def call(self, x, training=False):
        """Draws `[portraits, maps]`, as `codes` and `draw` take them, without the FaceBank."""
        image, parsing = x
        if training:
            return self.synthesis(self.encode(parsing, image, "a", True), training=True)
        return self._translate(image, parsing, 1.0)

    # Evaluation.

    def default_metrics(self, aligned: bool):
        """Distances to the truth where `b` shows the same; else that of the sets."""
        if aligned:
            return ("l1", "psnr", "ssim"), "val_ssim"
        return ("fd_random",), "val_fd_random"

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """Portraits drawn by their maps, in their own colours."""
        a, b = (_levels(batch[key]) for key in ("a", "b"))
        maps = _labels(batch["a_parsing"])
        return {"real": b, "fake": self.run("default", image=a, parsing=maps), "source": a}

    def sample_pictures(self, batch: dict) -> dict:
        """Portraits, maps, both ways of drawing them, references and their reconstruction."""
        a, b = (_levels(batch[key]) for key in ("a", "b"))
        maps, others = (_labels(batch[f"{key}_parsing"]) for key in ("a", "b"))
        reference = np.roll(b, 1, axis=0)
        return {
            "portrait": a,
            "map": class_colours(maps),
            "own colours": self.run("default", image=a, parsing=maps),
            "reference": reference,
            "its colours": self.run("with_reference", image=a, parsing=maps, reference=reference),
            "anime": b,
            "drawn again": self.run("with_reference", image=b, parsing=others, reference=b),
        }


def _levels(pictures):
    return image_ops.to_uint8(tf.convert_to_tensor(pictures)).numpy()


def _labels(maps):
    return np.maximum(np.asarray(maps), 0).astype(np.uint8)


def mix_codes(codes, ranges):
    """Takes each layer's latent from one of several codes: style mixing.

    Args:
        codes: Codes float32 `(N, L, K)`, one a source.
        ranges: `(first, end)` of each source, layers counted from 0; together all of them, once.

    Returns:
        float32 `(N, L, K)`.

    Raises:
        ValueError: When a layer is left out or taken twice.
    """
    layers = codes[0].shape[1]
    taken = sorted(layer for first, end in ranges for layer in range(first, end))
    if len(codes) != len(ranges) or taken != list(range(layers)):
        raise ValueError(
            f"`ranges` must name each of the {layers} layers once, a range for each of the "
            f"{len(codes)} codes. Received {ranges}."
        )
    pieces = sorted(zip(ranges, codes, strict=True), key=lambda piece: piece[0])
    return tf.concat([code[:, first:end] for (first, end), code in pieces], axis=1)


def interpolate_codes(first, second, count: int):
    """Returns `count` codes from one to another in equal steps, both ends included."""
    if count < 2:
        raise ValueError(f"`count` must be at least 2. Received {count}.")
    return [first + (second - first) * (step / (count - 1)) for step in range(count)]
