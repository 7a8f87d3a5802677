"""The frame of a figure: proportions, the turn of the head, materials, and drawing by part."""

import dataclasses

import numpy as np

from ganime_tf.toy.artists import Artist, Tone, tone
from ganime_tf.toy.canvas import Canvas
from ganime_tf.toy.colours import RGB, mix
from ganime_tf.toy.scene import Scene

# Table 1 of "Parsing-Conditioned Anime Translation" (Li et al., 2023): 17 classes, of which the
# background is one. Left and right are the person's own, as in CelebAMask-HQ.
PARSING_CLASSES = (
    "background",
    "skin",
    "left_brow",
    "right_brow",
    "left_eye",
    "right_eye",
    "eye_glass",
    "left_ear",
    "right_ear",
    "earring",
    "nose",
    "mouth",
    "neck",
    "necklace",
    "cloth",
    "hair",
    "hat",
)
LABEL = {name: number for number, name in enumerate(PARSING_CLASSES)}

_BULGE = np.array([1.0, 0.2])  # how fast the front of the head falls away across and down


@dataclasses.dataclass(frozen=True)
class Build:
    """Proportions in head units (half the face's width = 1, y down, origin between the temples)."""

    scale: float  # picture units per head unit
    middle: float  # picture y of the origin
    length: float  # of the lower face
    jaw: float
    chin: float
    eye_x: float
    eye_y: float
    eye_width: float
    eye_aspect: float
    eye_slant: float
    nose_y: float
    mouth_y: float
    mouth_width: float
    neck: float
    shoulder: float
    crown: float  # height of the hair above the origin
    hair_width: float


def anime_build(scene: Scene, artist: Artist) -> Build:
    """The proportions `artist` gives the person of `scene`."""
    boyish = scene.boyish
    eye_width = 0.285 * artist.eye_size**0.6
    return Build(
        scale=0.232 * scene.zoom,
        middle=0.452,
        length=1.02 if boyish else 0.97,
        jaw=0.70 if boyish else 0.64,
        chin=artist.chin,
        eye_x=0.475,
        eye_y=0.30,
        eye_width=eye_width,
        eye_aspect=artist.eye_aspect * artist.eye_size**0.4 * (0.82 if boyish else 1.0),
        eye_slant=artist.eye_slant + (0.04 if boyish else 0.0),
        nose_y=0.74,
        mouth_y=0.93,
        mouth_width=0.21 * artist.mouth_size,
        neck=0.40 if boyish else 0.33,
        shoulder=1.75 if boyish else 1.5,
        crown=1.47,
        hair_width=1.15,
    )


def human_build(scene: Scene) -> Build:
    """The proportions of the same person in a photograph."""
    boyish = scene.boyish
    return Build(
        scale=0.205 * scene.zoom,
        middle=0.43,
        length=1.24 if boyish else 1.2,
        jaw=0.82 if boyish else 0.74,
        chin=0.25,
        eye_x=0.42,
        eye_y=0.13,
        eye_width=0.215,
        eye_aspect=0.5,
        eye_slant=0.03,
        nose_y=0.60,
        mouth_y=0.98,
        mouth_width=0.29,
        neck=0.60 if boyish else 0.50,
        shoulder=2.25 if boyish else 1.95,
        crown=1.32,
        hair_width=1.08,
    )


class Figure:
    """A scene being drawn by an artist on a canvas; `human` selects the photo's anatomy."""

    def __init__(self, scene: Scene, artist: Artist, canvas: Canvas, human: bool = False):
        self.scene = scene
        self.artist = artist
        self.canvas = canvas
        self.human = human
        self.build = human_build(scene) if human else anime_build(scene, artist)
        self.rng = np.random.Generator(np.random.PCG64(scene.detail))
        self.sine = 0.30 * scene.yaw
        self.cosine = float(np.sqrt(1 - self.sine**2))
        roll = np.radians(scene.roll)
        turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
        self._turn = turn * self.build.scale
        self._origin = np.array([0.5 + scene.shift, self.build.middle])
        pivot = np.array([0.0, 1.0])  # the head nods about the neck
        self._corner = self._origin + pivot * self.build.scale - pivot @ self._turn
        self._across = self._turn[0]
        self.face_shape = None  # the outline of the face, once it is drawn
        skin = mix((255, 229, 212), (132, 82, 58), scene.skin)
        self.skin = self.tone(skin, 0.9)
        self.hair = self.tone(scene.hair, 1.15)
        self.cloth = self.tone(scene.cloth)
        self.trim = self.tone(scene.trim)
        self.white = self.tone((250, 248, 250), 0.7)
        self.line = mix((28, 22, 32), self.skin.line, 0.55)

    def tone(self, colour: RGB, depth: float = 1.0) -> Tone:
        """The colours of a material in the artist's hands."""
        return tone(colour, self.artist, depth)

    # Head units -> picture units.
    def head(self, points, shift: float = 0.05) -> np.ndarray:
        """Points on the outline of the skull, which hardly moves when the head turns."""
        placed = np.asarray(points, np.float64) @ self._turn
        placed += self._corner + self._across * (self.sine * shift)
        return placed

    def face(self, points, lift: float = 0.0) -> np.ndarray:
        """Points on the front of the head, `lift` above it, turned about the vertical axis."""
        points = np.asarray(points, np.float64)
        squares = points * points
        depth = squares @ _BULGE
        np.subtract(1.1, depth, out=depth)
        np.maximum(depth, 0.0, out=depth)
        np.sqrt(depth, out=depth)
        turned = points.copy()
        turned[:, 0] *= self.cosine
        turned[:, 0] += (depth + lift) * self.sine
        return self.head(turned, 0.0)

    def contour(self, points) -> np.ndarray:
        """Points on the outline of the face: the chin goes with the turn."""
        points = np.array(points, np.float64)
        points[:, 0] += self.sine * (0.15 + 0.42 * np.clip(points[:, 1], 0, 1.3) / 1.3)
        return self.head(points, 0.0)

    def bust(self, points) -> np.ndarray:
        """Points on the body, which stays upright under the head."""
        placed = np.asarray(points, np.float64) * self.build.scale
        placed += self._origin + (0.12 * self.sine * self.build.scale, 0.0)
        return placed

    # Drawing.
    def part(
        self, pieces, tone: Tone, label: str | None, weight: float = 1.0, close=True
    ) -> np.ndarray:
        """A filled part outlined piece by piece (so that corners stay sharp); its outline."""
        outline = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        self.canvas.fill(outline, tone.base, None if label is None else LABEL[label])
        if weight and not self.human:
            for piece in pieces:
                if close and len(pieces) == 1:
                    piece = np.concatenate([piece, piece[:2]])
                    self.canvas.stroke(piece, tone.line, weight, "even")
                else:
                    self.canvas.stroke(piece, tone.line, weight)
        return outline

    def line_on(self, points, tone: Tone, weight: float = 0.7, taper: str | None = None) -> None:
        """A line of the drawing (none in a photo)."""
        if not self.human:
            self.canvas.stroke(points, tone.line, weight, taper)

    def shadow(self, shapes, tone: Tone, clip=None, soft: float = 0.03) -> None:
        """A shadow in the artist's manner: none, with an edge, or blurred."""
        if self.human:
            self.canvas.shade(shapes, tone.shade, clip, 0.7, soft)
        elif self.artist.shading != "flat":
            self.canvas.shade(
                shapes, tone.shade, clip, 1.0, soft if self.artist.shading == "soft" else 0.0
            )
