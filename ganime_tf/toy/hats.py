"""What is worn on the head."""

import numpy as np

from ganime_tf.toy.curves import bezier, ellipse, ribbon, spline, symmetric
from ganime_tf.toy.figure import LABEL, Figure
from ganime_tf.toy.outfit import draw_blossom, draw_bow


def draw_hat(figure: Figure) -> None:
    """The scene's hat or ornament, in front of the hair."""
    draw = {
        "bow": _side_bow,
        "hairband": _hairband,
        "beret": _beret,
        "witch": _witch,
        "cap": _cap,
        "beanie": _beanie,
        "cat_ears": _cat_ears,
        "flower": _flower,
        "headphones": _headphones,
        "straw": _straw,
    }.get(figure.scene.hat)
    if draw:
        draw(
            figure,
            figure.tone(figure.scene.hat_colour),
            figure.build.crown,
            figure.build.hair_width,
        )


def _part(figure, points, tone, weight=1.0) -> np.ndarray:
    return figure.part([figure.head(points)], tone, "hat", weight)


def _dim_side(figure, points, tone, outline, blur=0.03) -> None:
    """Shades the side of a hat that is away from the light."""
    figure.shadow([figure.head(np.array(points) * (-figure.scene.light, 1))], tone, outline, blur)


def _bent(brim: np.ndarray, bend: float) -> np.ndarray:
    """A flat brim whose sides hang down."""
    return brim + np.stack([np.zeros(len(brim)), bend * brim[:, 0] ** 2], axis=1)


def _side_bow(figure, tone, top, w) -> None:
    side = figure.scene.part

    def place(points):
        return figure.head(points * (side, 1))

    draw_bow(figure, place, (0.66, -top * 0.86), 0.42, tone, "hat", tails=True)


def _hairband(figure, tone, top, w) -> None:
    upper = spline(
        [(w * 1.02, -0.1), (w * 0.92, -0.75), (w * 0.55, -top * 0.86), (0, -top * 0.97)], samples=5
    )
    lower = upper * (0.93, 0.89) + (0, 0.03)
    band = np.concatenate([upper, upper[::-1] * (-1, 1), lower * (-1, 1), lower[::-1]])
    outline = _part(figure, band, tone)
    dim = [(0.6, -2), (0.62, -1), (0.7, 0.2), (2, 0), (2, -2)]
    _dim_side(figure, dim, tone, outline, 0.02)


def _beret(figure, tone, top, w) -> None:
    side = figure.scene.part
    crown = spline(
        [
            (-0.95, -top * 0.72),
            (-1.15, -top * 0.98),
            (-0.6, -top * 1.28),
            (0.3, -top * 1.34),
            (1.15, -top * 1.12),
            (1.38, -top * 0.72),
            (1.0, -top * 0.5),
            (0.1, -top * 0.74),
        ],
        closed=True,
        samples=5,
    ) * (side, 1)
    outline = _part(figure, crown, tone, 1.05)
    dark = spline(
        [
            (-1.2, -top * 0.7),
            (0.1, -top * 0.92),
            (0.9, -top * 0.72),
            (1.45, -top * 0.8),
            (1.3, -top * 0.3),
            (-0.6, -top * 0.4),
        ],
        closed=True,
        samples=4,
    ) * (side, 1)
    figure.shadow([figure.head(dark)], tone, outline, 0.025)
    figure.line_on(
        figure.head(
            bezier((-0.85, -top * 0.8), (0.1, -top * 0.98), (0.98, -top * 0.62), 9) * (side, 1)
        ),
        tone,
        0.7,
        "brush",
    )
    stem = [(0.24, -top * 1.32), (0.26, -top * 1.44), (0.36, -top * 1.44), (0.36, -top * 1.32)]
    _part(figure, np.array(stem) * (side, 1), tone, 0.9)


def _witch(figure, tone, top, w) -> None:
    side = figure.scene.part
    cone = spline(
        [
            (-0.92, -top * 0.66),
            (-0.6, -top * 1.15),
            (-0.2, -top * 1.5),
            (0.5, -top * 1.66),
            (0.42, -top * 1.4),
            (0.72, -top * 1.1),
            (0.92, -top * 0.66),
        ],
        samples=5,
    ) * (side, 1)
    outline = _part(figure, cone, tone, 1.05)
    _dim_side(figure, [(0.3, -3), (0.25, -1), (0.5, -0.5), (2, -0.5), (2, -3)], tone, outline)
    band = bezier((-0.93, -top * 0.74), (0, -top * 0.92), (0.93, -top * 0.74), 10)
    shape = np.concatenate([band, (band * (1.04, 1) + (0, 0.2))[::-1]])
    _part(figure, shape, figure.tone(figure.scene.jewel), 0.9)
    brim = _bent(ellipse((0.0, -top * 0.62), (1.85, 0.3), samples=36), 0.12 / 1.85**2)
    outline = _part(figure, brim, tone, 1.05)
    figure.shadow([figure.head(brim * (0.98, 1) + (0, 0.2))], tone, outline, 0.02)


def _cap(figure, tone, top, w) -> None:
    dome = spline(
        [
            (w * 1.02, -0.5),
            (w * 1.02, -0.95),
            (w * 0.68, -top * 1.02),
            (0, -top * 1.14),
            (-w * 0.68, -top * 1.02),
            (-w * 1.02, -0.95),
            (-w * 1.02, -0.5),
            (0, -0.86),
        ],
        closed=True,
        samples=5,
    )
    outline = _part(figure, dome, tone, 1.05)
    _dim_side(figure, [(0.45, -3), (0.5, -1), (0.6, -0.4), (2, -0.4), (2, -3)], tone, outline)
    for x in (-0.5, 0.5):
        figure.line_on(
            figure.head(bezier((x * 0.2, -top * 1.13), (x, -top * 1.0), (x * 1.25, -0.75), 8)),
            tone,
            0.6,
            "brush",
        )
    peak = spline(
        [
            (1.0, -0.66),
            (1.2, -0.42),
            (0.6, -0.4),
            (0.0, -0.46),
            (-0.6, -0.4),
            (-1.2, -0.42),
            (-1.0, -0.66),
            (0, -0.92),
        ],
        closed=True,
        samples=5,
    )
    outline = figure.part([figure.face(peak, 0.35)], figure.tone(figure.scene.trim), "hat", 1.05)
    _part(figure, ellipse((0, -top * 1.13), (0.1, 0.06), samples=10), tone, 0.8)


def _beanie(figure, tone, top, w) -> None:
    dome = spline(
        [
            (w * 1.04, -0.6),
            (w * 1.06, -1.0),
            (w * 0.7, -top * 1.1),
            (0, -top * 1.24),
            (-w * 0.7, -top * 1.1),
            (-w * 1.06, -1.0),
            (-w * 1.04, -0.6),
            (0, -0.8),
        ],
        closed=True,
        samples=5,
    )
    pom = ellipse((0, -top * 1.27), (0.26, 0.24), samples=40)
    pom += (0.03 * np.sin(np.arange(40) * 2.2))[:, None] * (pom - (0, -top * 1.27)) / 0.25
    _part(figure, pom, figure.white, 0.9)
    outline = _part(figure, dome, tone, 1.05)
    _dim_side(figure, [(0.45, -3), (0.5, -1), (0.6, -0.4), (2, -0.4), (2, -3)], tone, outline)
    upper = bezier((w * 1.09, -0.78), (0, -1.22), (-w * 1.09, -0.78), 14)
    cuff = np.concatenate([upper, (upper + (0, 0.3))[::-1]])
    _part(figure, cuff, figure.tone(figure.scene.hat_colour, 1.4), 1.0)
    for a, b in zip(upper[1:-1], (upper + (0, 0.3))[1:-1], strict=True):
        figure.line_on(figure.head(np.stack([a, 0.5 * (a + b), b])), tone, 0.5, "even")


def _cat_ears(figure, tone, top, w) -> None:
    fur = figure.hair
    for side in (1, -1):
        ear = [
            (0.38, -top * 0.93),
            (0.72, -top * 1.42),
            (0.92, -top * 1.5),
            (1.1, -top * 1.0),
            (1.1, -top * 0.58),
        ]
        pieces = [spline(np.array(ear[:3]), samples=5), spline(np.array(ear[2:]), samples=5)]
        outline = figure.part(
            [figure.head(piece * (side, 1)) for piece in pieces], fur, "hat", 1.05
        )
        inner = np.array([(0.6, -top * 0.93), (0.84, -top * 1.32), (0.98, -top * 0.8)]) * (side, 1)
        figure.canvas.shade([figure.head(inner)], figure.tone((250, 190, 190)).base, outline)
        figure.line_on(figure.head(inner[:2]), fur, 0.6, "out")
        figure.line_on(figure.head(inner[1:]), fur, 0.6, "in")


def _flower(figure, tone, top, w) -> None:
    side = figure.scene.part

    def place(points):
        return figure.head(points * (side, 1))

    leaf = figure.tone((120, 180, 110))
    for dx, dy in ((-0.22, 0.22), (0.28, 0.2)):
        shape = spline(
            [
                (0.84, -0.66),
                (0.84 + dx, -0.66 + dy * 0.4),
                (0.84 + 1.5 * dx, -0.66 + 1.5 * dy),
                (0.84 + 0.3 * dx, -0.66 + dy),
            ],
            closed=True,
            samples=4,
        )
        figure.part([place(shape)], leaf, "hat", 0.7)
    draw_blossom(figure, place, (0.84, -0.7), 0.32, tone, "hat", 0.9)
    draw_blossom(figure, place, (0.56, -0.98), 0.19, figure.white, "hat", 0.8)


def _headphones(figure, tone, top, w) -> None:
    band = figure.head(ellipse((0, -0.1), (w * 1.12, top * 1.02), -172, -8, 30))
    dark = figure.tone((60, 58, 70))
    outline = ribbon(band, np.full(30, 0.013))
    figure.canvas.fill(outline, dark.base, LABEL["hat"])
    figure.line_on(np.concatenate([outline, outline[:2]]), dark, 0.9, "even")
    for side in (1, -1):
        cup = figure.head(ellipse((w * 1.1, 0.2), (0.2, 0.38), samples=20) * (side, 1))
        outline = figure.part([cup], tone, "hat", 1.0)
        figure.shadow(
            [figure.head(ellipse((w * 1.1, 0.36), (0.2, 0.3)) * (side, 1))], tone, outline, 0.01
        )
        figure.line_on(
            figure.head(ellipse((w * 1.12, 0.2), (0.1, 0.22), samples=16) * (side, 1)),
            tone,
            0.6,
            "even",
        )


def _straw(figure, tone, top, w) -> None:
    dome = spline(
        symmetric([(0, -top * 1.22), (0.7, -top * 1.12), (0.98, -top * 0.72), (0, -top * 0.6)]),
        closed=True,
        samples=5,
    )
    _part(figure, dome, tone, 1.0)
    band = bezier((-0.98, -top * 0.72), (0, -top * 0.9), (0.98, -top * 0.72), 10)
    ring = np.concatenate([band - (0, 0.12), (band + (0, 0.14))[::-1]])
    _part(figure, ring, figure.trim, 0.9)
    bend = 0.14 / 1.8**2
    brim = _bent(ellipse((0.0, -top * 0.6), (1.8, 0.34), samples=36), bend)
    outline = _part(figure, brim, tone, 1.05)
    figure.shadow([figure.head(brim + (0, 0.26))], tone, outline, 0.02)
    for r in (0.9, 0.78):
        weave = ellipse((0.0, -top * 0.6), (1.8 * r, 0.34 * r), 10, 170, 18)
        figure.line_on(figure.head(_bent(weave, bend)), tone, 0.45, "brush")
