"""How it is drawn: artists, each a fixed style, and the pens of the line art."""

import dataclasses
import functools

from ganime_tf.toy.colours import RGB, darker, hsv, lighter, mix, rgb


@dataclasses.dataclass(frozen=True)
class Pen:
    """A drawing tool: relative `width`, `taper` (a `curves.width_profile`), grey `ink`, `grain`."""

    width: float
    taper: str
    ink: int
    grain: float


# The pens that line art is drawn with, chosen by `Scene.pen`.
PENS = (
    Pen(1.0, "brush", 10, 0.0),
    Pen(0.75, "pen", 0, 0.0),
    Pen(1.35, "brush", 20, 0.0),
    Pen(0.9, "even", 45, 0.0),
    Pen(1.2, "pen", 70, 0.45),  # pencil
    Pen(0.8, "brush", 60, 0.0),
)


@dataclasses.dataclass(frozen=True)
class Artist:
    """A fixed drawing style.

    Geometry: `eye_size`, `eye_aspect` (height / width), `eye_slant`, `chin` (0 round to 1
    pointed), `mouth_size`. Line: `line_weight`, `line_taper`, `line_tint` (0 black to 1 the
    colour of the part). Tone: `shading` in {flat, cel, soft}, `shade` (depth), `shade_hue`
    (turns), `highlight` in {ring, zigzag, streaks, dots, none}, `iris` in {gradient, flat,
    sparkle, ringed}, `blush` in {soft, hatch, oval, none}. Palette: `saturation`, `value`,
    `hue` (turns), `tint` mixed in by `tint_amount`; `texture` in {none, grain, wash, halftone}.
    """

    name: str
    eye_size: float = 1.0
    eye_aspect: float = 1.12
    eye_slant: float = 0.0
    chin: float = 0.5
    mouth_size: float = 1.0
    line_weight: float = 1.0
    line_taper: str = "brush"
    line_tint: float = 0.55
    shading: str = "cel"
    shade: float = 0.2
    shade_hue: float = -0.02
    highlight: str = "zigzag"
    iris: str = "gradient"
    blush: str = "soft"
    saturation: float = 1.0
    value: float = 1.0
    hue: float = 0.0
    tint: RGB = (255, 255, 255)
    tint_amount: float = 0.0
    texture: str = "none"


HOUSE_STYLE = Artist("house")  # used when no artist is named

_NAMES = (
    "akane aoi asahi ayame botan chidori enju fuji hagi hana haru hibiki hinata hotaru ichigo "
    "kaede kasumi kiku kohaku koyuki kurenai kuroba madoka midori mikan mitsuki momiji nadeshiko "
    "natsu ran rin ritsu sakura satsuki shion sora suzuran tsubaki tsukushi umeko wakaba yuzuki "
    "yuri yukino"
).split()

# Palettes: saturation, value, hue turn, tint, tint amount, texture.
_PALETTES = (
    (1.0, 1.0, 0.0, (255, 255, 255), 0.0, "none"),  # clean
    (0.55, 1.06, 0.0, (255, 244, 236), 0.18, "none"),  # pastel
    (1.45, 1.02, 0.0, (255, 0, 90), 0.03, "none"),  # vivid
    (0.75, 0.97, 0.01, (238, 214, 170), 0.24, "grain"),  # old paper
    (0.9, 0.92, -0.02, (60, 90, 200), 0.2, "none"),  # blue hour
    (0.12, 1.0, 0.0, (230, 230, 235), 0.08, "halftone"),  # manga grey
    (0.8, 1.03, 0.0, (255, 255, 255), 0.16, "wash"),  # watercolour
    (1.2, 0.95, 0.02, (255, 150, 60), 0.18, "none"),  # golden hour
    (0.35, 0.95, 0.0, (150, 120, 90), 0.3, "grain"),  # sepia
    (1.25, 1.0, 0.07, (255, 80, 220), 0.1, "none"),  # neon
    (0.85, 0.98, -0.05, (120, 220, 190), 0.18, "wash"),  # mint
)
# Eyes: size, aspect, slant, iris.
_EYES = (
    (1.0, 1.12, 0.0, "gradient"),
    (1.18, 1.25, -0.04, "sparkle"),
    (0.84, 0.86, 0.08, "flat"),
    (1.1, 1.0, 0.03, "ringed"),
    (0.92, 1.4, 0.0, "gradient"),
    (1.25, 1.05, -0.02, "gradient"),
    (0.8, 1.05, 0.1, "ringed"),
)
# Lines: weight, taper, tint.
_LINES = (
    (1.0, "brush", 0.55),
    (0.6, "pen", 0.8),
    (1.7, "brush", 0.1),
    (1.25, "even", 0.3),
    (0.85, "brush", 1.0),
)
# Shading: kind, depth, hue turn.
_SHADINGS = (
    ("cel", 0.22, -0.02),
    ("soft", 0.26, 0.03),
    ("flat", 0.0, 0.0),
    ("cel", 0.34, -0.07),
    ("soft", 0.16, -0.05),
    ("cel", 0.14, 0.04),
)
_HIGHLIGHTS = ("zigzag", "ring", "streaks", "dots", "none")
_BLUSHES = ("soft", "hatch", "oval", "none")
# Each time round the palettes: saturation factor, hue turn.
_ROUNDS = ((1.0, 0.0), (0.8, 0.035), (1.15, -0.04), (0.95, 0.08))
_CHINS = ((0.5, 1.0), (0.95, 0.8), (0.05, 1.1), (0.7, 1.2))


def _artist(number: int, name: str) -> Artist:
    saturation, value, hue, tint, tint_amount, texture = _PALETTES[number % 11]
    stronger, turn = _ROUNDS[number // 11 % 4]
    eye_size, eye_aspect, eye_slant, iris = _EYES[number % 7]
    line_weight, line_taper, line_tint = _LINES[number * 3 % 5]
    shading, shade, shade_hue = _SHADINGS[(number * 5 + number // 6) % 6]
    chin, mouth_size = _CHINS[(number + number // 4) % 4]
    return Artist(
        name=name,
        eye_size=eye_size,
        eye_aspect=eye_aspect,
        eye_slant=eye_slant,
        chin=chin,
        mouth_size=mouth_size,
        line_weight=line_weight,
        line_taper=line_taper,
        line_tint=line_tint,
        shading=shading,
        shade=shade,
        shade_hue=shade_hue,
        highlight=_HIGHLIGHTS[(number * 2 + number // 5) % 5],
        iris=iris,
        blush=_BLUSHES[(number * 3 + number // 7) % 4],
        saturation=saturation * stronger,
        value=value,
        hue=hue + turn,
        tint=tint,
        tint_amount=tint_amount,
        texture=texture,
    )


ARTISTS = tuple(_artist(number, name) for number, name in enumerate(_NAMES))


@dataclasses.dataclass(frozen=True)
class Tone:
    """The colours of one material: lit, in shadow, highlight, and its outline."""

    base: RGB
    shade: RGB
    light: RGB
    line: RGB


def grade(colour: RGB, artist: Artist) -> RGB:
    """`colour` in the artist's palette."""
    h, s, v = hsv(colour)
    graded = rgb(h + artist.hue, s * artist.saturation, v * artist.value)
    return mix(graded, artist.tint, artist.tint_amount)


@functools.lru_cache(maxsize=4096)
def tone(colour: RGB, artist: Artist, depth: float = 1.0) -> Tone:
    """The material `colour` as `artist` paints it; `depth` scales the shadow."""
    base = grade(colour, artist)
    amount = artist.shade * depth
    line = mix((28, 22, 32), darker(base, 0.62, artist.shade_hue), artist.line_tint)
    return Tone(base, darker(base, amount, artist.shade_hue), lighter(base, 0.55), line)
