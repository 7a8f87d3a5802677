"""What is drawn: one person as a table of attributes, sampled from (seed, index)."""

import dataclasses

import numpy as np

from ganime_tf.toy.colours import RGB, rgb

# Each kind names its habitual hue (turns), so that colours can partly be told from the lines.
CUTS = {
    "bob": 0.07,
    "long": 0.62,
    "wavy": 0.115,
    "twin_tails": 0.93,
    "ponytail": 0.045,
    "buns": 0.88,
    "spiky": 0.57,
    "pixie": 0.40,
    "braid": 0.02,
    "princess": 0.74,
}
CLOTHES = {
    "sailor": 0.62,
    "blazer": 0.66,
    "hoodie": 0.42,
    "tee": 0.12,
    "turtleneck": 0.05,
    "kimono": 0.95,
    "dress": 0.85,
    "scarf": 0.99,
}
HATS = {
    "none": 0.0,
    "bow": 0.97,
    "hairband": 0.95,
    "beret": 0.0,
    "witch": 0.76,
    "cap": 0.58,
    "beanie": 0.45,
    "cat_ears": 0.08,
    "flower": 0.92,
    "headphones": 0.5,
    "straw": 0.13,
}
BACKDROPS = {
    "plain": 0.55,
    "gradient": 0.5,
    "dots": 0.93,
    "stripes": 0.15,
    "sky": 0.57,
    "sunset": 0.05,
    "petals": 0.94,
    "stars": 0.68,
    "window": 0.1,
    "bubbles": 0.48,
    "leaves": 0.3,
}
BANGS = ("straight", "swept", "parted", "pointed", "messy", "open")
MOUTHS = ("smile", "open", "neutral", "small", "cat", "grin", "pout", "frown")
EYES = ("open", "half", "happy", "wink")
GLASSES = ("none", "round", "square", "rimless")
EARRINGS = ("none", "stud", "drop", "hoop")
NECKLACES = ("none", "choker", "pendant")
NUM_PENS = 6

_BANGS_OF = {  # bangs that suit a cut
    "spiky": ("messy", "swept", "pointed"),
    "pixie": ("swept", "messy", "parted"),
    "princess": ("straight",),
    "braid": ("swept", "open", "parted", "pointed"),
    "ponytail": ("swept", "parted", "open", "pointed", "straight"),
}


@dataclasses.dataclass(frozen=True)
class Scene:
    """One person in front of one backdrop, independent of how it is drawn.

    `yaw` in [-1, 1] turns the head (1: towards the right edge of the picture), `roll` is in
    degrees, `shift` and `zoom` frame the head, `light` in {-1, 1} is the side the light comes
    from. Colours are RGB in [0, 255] before any artist's palette. `skin` in [0, 1] runs from
    light to dark. `detail` seeds the small irregularities (locks, petals, ...).
    """

    seed: int
    index: int
    detail: int
    yaw: float
    roll: float
    shift: float
    zoom: float
    light: int
    boyish: bool
    skin: float
    blush: float
    mole: bool
    cut: str
    bangs: str
    part: int
    volume: float
    length: float
    hair: RGB
    eyes: str
    gaze: float
    iris: RGB
    brows: float
    mouth: str
    elf: bool
    clothes: str
    cloth: RGB
    trim: RGB
    hat: str
    hat_colour: RGB
    glasses: str
    frame: RGB
    earrings: str
    necklace: str
    jewel: RGB
    backdrop: str
    sky: RGB
    ground: RGB
    pen: int


def sample_scene(seed: int, index: int) -> Scene:
    """The scene number `index` (>= 0) of the world `seed` (>= 0); always the same one."""
    if seed < 0 or index < 0:
        raise ValueError(f"`seed` and `index` must be >= 0. Received seed={seed}, index={index}.")
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, index))))

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability)

    def pick(options, weights=None):
        options = tuple(options)
        if weights is None:
            return options[int(rng.integers(len(options)))]
        total = np.cumsum(np.asarray(weights, np.float64))
        return options[int(np.searchsorted(total, rng.random() * total[-1], side="right"))]

    def uniform(low: float, high: float) -> float:
        return float(low + (high - low) * rng.random())

    def hue(habit: float, spread: float = 0.03, free: float = 0.2) -> float:
        return uniform(0, 1) if chance(free) else habit + spread * float(rng.normal())

    cut = pick(CUTS)
    boyish = cut == "spiky" or (cut == "pixie" and chance(0.5))
    hair_hue = hue(CUTS[cut], 0.02, 0.15)
    natural = hair_hue % 1.0 < 0.13
    shade = uniform(0, 1)  # dark or fair
    if cut == "long" and chance(0.35):
        hair = rgb(hair_hue, 0.35, 0.26 + 0.1 * shade)  # black hair, bluish
    elif cut == "princess" and chance(0.5):
        hair = rgb(hair_hue, 0.22, 0.78 + 0.14 * shade)  # silver
    elif natural:
        hair = rgb(hair_hue, 0.72 - 0.15 * shade, 0.5 + 0.45 * shade)
    else:
        hair = rgb(hair_hue, 0.5 - 0.12 * shade, 0.66 + 0.26 * shade)
    clothes = pick(CLOTHES)
    hat = pick(HATS, [6, 1.6, 1.2, 1, 0.8, 0.8, 0.8, 1.1, 1.4, 0.9, 0.7])
    if cut in ("buns", "twin_tails") and hat in ("witch", "beanie", "cap", "beret", "straw"):
        hat = "bow"
    if boyish and hat in ("bow", "flower", "hairband"):
        hat = "headphones"
    cloth_hue = hue(CLOTHES[clothes], 0.025, 0.25)
    cloth = {
        "sailor": rgb(cloth_hue, 0.62, 0.45),
        "blazer": rgb(cloth_hue, 0.45, 0.38),
        "hoodie": rgb(cloth_hue, 0.45, 0.72),
        "tee": rgb(cloth_hue, 0.6, 0.92),
        "turtleneck": rgb(cloth_hue, 0.5, 0.68),
        "kimono": rgb(cloth_hue, 0.6, 0.75),
        "dress": rgb(cloth_hue, 0.35, 0.93),
        "scarf": rgb(cloth_hue, 0.68, 0.8),
    }[clothes]
    trim = {
        "sailor": rgb(0.98, 0.75, 0.85),
        "blazer": rgb(0.99, 0.7, 0.7),
        "kimono": rgb(0.13, 0.5, 0.95),
        "scarf": rgb(0.6, 0.25, 0.45),
    }.get(clothes, rgb(cloth_hue + 0.45, 0.25, 0.95))
    backdrop = pick(BACKDROPS)
    sky_hue = hue(BACKDROPS[backdrop], 0.03, 0.4 if backdrop in ("plain", "gradient") else 0.12)
    sky = {
        "stars": rgb(sky_hue, 0.6, 0.35),
        "sunset": rgb(sky_hue, 0.45, 1.0),
        "sky": rgb(sky_hue, 0.42, 0.97),
    }.get(backdrop, rgb(sky_hue, uniform(0.14, 0.34), uniform(0.9, 0.98)))
    ground = {
        "stars": rgb(sky_hue + 0.08, 0.5, 0.62),
        "sunset": rgb(sky_hue - 0.22, 0.4, 0.72),
        "sky": rgb(sky_hue - 0.03, 0.12, 1.0),
    }.get(backdrop, rgb(sky_hue + uniform(-0.12, 0.12), uniform(0.2, 0.42), uniform(0.85, 0.97)))
    hair_covers_ears = cut in ("long", "bob", "wavy", "princess")
    eyes = pick(EYES, [12, 1.6, 1.2, 0.8])
    return Scene(
        seed=seed,
        index=index,
        detail=int(rng.integers(2**31)),
        yaw=uniform(-1, 1),
        roll=float(np.clip(rng.normal() * 4.5, -10, 10)),
        shift=uniform(-0.03, 0.03),
        zoom=uniform(0.95, 1.07),
        light=pick((-1, 1)),
        boyish=boyish,
        skin=float(pick((0.0, 0.15, 0.35, 0.62, 0.9), [6, 6, 3, 1.5, 1])) + uniform(-0.04, 0.04),
        blush=uniform(0.25, 1.0) * (0.6 if boyish else 1.0),
        mole=chance(0.1),
        cut=cut,
        bangs=pick(_BANGS_OF.get(cut, BANGS)),
        part=pick((-1, 1)),
        volume=uniform(0, 1),
        length=uniform(0, 1),
        hair=hair,
        eyes=eyes,
        gaze=uniform(-1, 1),
        iris=rgb(hue(hair_hue + (0.45 if boyish else 0.5), 0.07, 0.35), uniform(0.6, 0.8), 0.78),
        brows=uniform(-1, 1),
        mouth=pick(MOUTHS, [5, 4, 2, 2.5, 1, 1.5, 1, 0.9]),
        elf=chance(0.07),
        clothes=clothes,
        cloth=cloth,
        trim=trim,
        hat=hat,
        hat_colour=rgb(hue(HATS[hat], 0.02, 0.12), uniform(0.55, 0.7), uniform(0.7, 0.9)),
        glasses=pick(GLASSES, [5, 0.7, 0.5, 0.3]) if hat != "witch" else "none",
        frame=rgb(hue(0.98, 0.02, 0.5), 0.5, uniform(0.2, 0.55)),
        earrings="none" if hair_covers_ears or boyish else pick(EARRINGS, [2, 1, 1, 1]),
        necklace="none"
        if clothes in ("turtleneck", "scarf", "hoodie", "blazer")
        else pick(NECKLACES, [3, 1, 1]),
        jewel=rgb(pick((0.12, 0.13, 0.5, 0.95)), 0.65, 0.92),
        backdrop=backdrop,
        sky=sky,
        ground=ground,
        pen=int(rng.integers(NUM_PENS)),
    )
