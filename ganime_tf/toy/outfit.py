"""Clothes."""

import numpy as np

from ganime_tf.toy.curves import bezier, ellipse, ribbon, spline
from ganime_tf.toy.figure import LABEL, Figure


def _both(points):
    """A right half and its mirror image, joined into one outline from top right to top left."""
    points = np.asarray(points, np.float64)
    return np.concatenate([points, points[::-1] * (-1, 1)])


def draw_clothes(figure: Figure) -> None:
    """The garment of the scene on the bust."""
    s, n = figure.build.shoulder, figure.build.neck
    kind = figure.scene.clothes
    draw = {
        "sailor": _sailor,
        "blazer": _blazer,
        "hoodie": _hoodie,
        "tee": _tee,
        "turtleneck": _turtleneck,
        "kimono": _kimono,
        "dress": _dress,
        "scarf": _scarf,
    }[kind]
    draw(figure, s, n)


def _torso(figure: Figure, tone, s, n, neckline, slope=1.62) -> np.ndarray:
    """The body of a garment: `neckline` runs from the right shoulder's neck end to the middle."""
    a = neckline[0]
    right = spline(
        [
            a,
            (a[0] + 0.45 * (s - a[0]), slope),
            (s, slope + 0.2),
            (s + 0.22, slope + 0.62),
            (s + 0.3, 3.4),
        ],
        samples=5,
    )
    neck = np.asarray(neckline, np.float64)
    pieces = [
        figure.bust(right),
        figure.bust(right[::-1] * (-1, 1)),
        figure.bust(np.concatenate([neck * (-1, 1), neck[::-1][1:]])),
    ]
    outline = figure.part(pieces, tone, "cloth", 1.0)
    dim = -figure.scene.light
    side = [(1.05, slope), (0.8, 2.1), (0.95, 3.4), (3, 3.4), (3, slope)]
    figure.shadow([figure.bust(np.array(side) * (dim, 1))], tone, outline, 0.03)
    for sign in (1, -1):
        fold = bezier(
            (0.92 * s * sign, slope + 0.85),
            (0.85 * s * sign, slope + 0.6),
            (0.78 * s * sign, slope + 0.38),
            6,
        )
        figure.line_on(figure.bust(fold), tone, 0.7, "out")
    return outline


def _sailor(figure, s, n) -> None:
    body = figure.white
    _torso(figure, body, s, n, bezier((n * 1.25, 1.45), (n * 0.9, 1.9), (0, 2.1), 8))
    for side in (1, -1):
        top, low = (n * 1.22, 1.42), (0.0, 2.2)
        outer = [(1.0, 1.55), (1.12, 1.95), (0.6, 2.3)]
        pts = np.concatenate(
            [
                bezier(top, (0.8, 1.42), outer[0], 5),
                np.array(outer[1:]),
                [low],
                bezier(low, (n * 0.95, 1.95), top, 6),
            ]
        )
        collar = figure.part([figure.bust(pts * (side, 1))], figure.cloth, "cloth", 1.0)
        stripe = bezier((0.93, 1.62), (1.0, 1.95), (0.58, 2.18), 8)
        width = ribbon(figure.bust(stripe * (side, 1)), np.full(8, 0.004))
        figure.canvas.shade([width], (250, 250, 250), collar)
        figure.line_on(figure.bust((stripe + (-0.04, 0.0)) * (side, 1)), figure.cloth, 0.35, "even")
    draw_bow(figure, figure.bust, (0.0, 2.28), 0.36, figure.trim, "cloth", tails=True)


def draw_bow(figure, place, centre, size, tone, label, tails=False) -> None:
    """A ribbon tied at `centre`, each loop `size` wide; `place` maps to picture units."""
    x, y = centre
    if tails:
        for side in (1, -1):
            tail = [(0.1, 0.1), (1.0, 1.1), (0.62, 1.22), (0.42, 1.5), (-0.05, 0.3)]
            figure.part([place(np.array(tail) * (side * size, size) + (x, y))], tone, label, 0.9)
    for side in (1, -1):
        loop = spline(
            [(0.1, 0.0), (0.6, -0.5), (1.12, -0.42), (1.05, 0.15), (0.95, 0.5), (0.5, 0.32)],
            closed=True,
            samples=4,
        )
        outline = figure.part([place(loop * (side * size, size) + (x, y))], tone, label, 0.95)
        dark = np.array([(0.1, -0.05), (0.75, 0.05), (1.1, 0.6), (0.1, 0.5)])
        figure.shadow([place(dark * (side * size, size) + (x, y))], tone, outline, 0.012)
        crease = bezier((0.2, 0.0), (0.45, -0.1), (0.7, -0.12), 5)
        figure.line_on(place(crease * (side * size, size) + (x, y)), tone, 0.6, "out")
    figure.part([place(ellipse(centre, (0.2 * size, 0.26 * size), samples=12))], tone, label, 0.95)


def _blazer(figure, s, n) -> None:
    _torso(figure, figure.cloth, s, n, bezier((n * 1.3, 1.42), (n * 0.9, 1.95), (0, 2.5), 8))
    shirt = [
        (n * 1.1, 1.36),
        (n * 1.15, 1.8),
        (0.3, 3.0),
        (-0.3, 3.0),
        (-n * 1.15, 1.8),
        (-n * 1.1, 1.36),
        (0, 1.72),
    ]
    figure.part([figure.bust(shirt)], figure.white, "cloth", 0.8)
    tie = [
        (0.11, 1.84),
        (0.17, 2.02),
        (0.09, 2.1),
        (0.2, 3.0),
        (-0.2, 3.0),
        (-0.09, 2.1),
        (-0.17, 2.02),
        (-0.11, 1.84),
    ]
    outline = figure.part([figure.bust(tie)], figure.trim, "cloth", 0.9)
    figure.shadow(
        [figure.bust(np.array([(-0.2, 2.1), (0.2, 2.06), (0.2, 2.18), (-0.2, 2.2)]))],
        figure.trim,
        outline,
        0.01,
    )
    figure.line_on(
        figure.bust(bezier((0.1, 2.1), (0, 2.12), (-0.1, 2.1), 4)), figure.trim, 0.7, "even"
    )
    for side in (1, -1):
        collar = [(n * 1.05, 1.3), (n * 1.32, 1.5), (0.34, 2.0), (0.06, 1.82)]
        figure.part([figure.bust(np.array(collar) * (side, 1))], figure.white, "cloth", 0.85)
        lapel = [(n * 1.34, 1.46), (0.98, 1.62), (0.92, 2.0), (1.02, 2.1), (0.28, 3.1), (0.4, 2.2)]
        figure.part([figure.bust(np.array(lapel) * (side, 1))], figure.cloth, "cloth", 0.95)


def _hoodie(figure, s, n) -> None:
    for side in (1, -1):
        hood = spline(
            [(n * 0.8, 1.62), (n * 1.0, 1.25), (0.95, 1.12), (1.18, 1.5), (0.85, 1.92)], samples=5
        )
        outline = figure.part([figure.bust(hood * (side, 1))], figure.cloth, "cloth", 1.0)
        inside = np.array([(n * 0.9, 1.6), (n * 1.1, 1.3), (0.8, 1.3), (0.8, 1.7)])
        figure.shadow([figure.bust(inside * (side, 1))], figure.cloth, outline, 0.015)
    _torso(figure, figure.cloth, s, n, bezier((n * 1.2, 1.5), (n * 0.9, 1.86), (0, 1.95), 8))
    hem = figure.bust(_both(bezier((0.0, 2.02), (n * 1.1, 1.94), (0.92, 1.5), 8)[::-1]))
    figure.line_on(hem, figure.cloth, 0.8, "brush")
    for side in (1, -1):
        cord = bezier((0.2 * side, 2.0), (0.28 * side, 2.3), (0.22 * side, 2.62), 7)
        figure.canvas.fill(
            ribbon(figure.bust(cord), np.full(7, 0.0075)), figure.trim.base, LABEL["cloth"]
        )
        for shift in (-0.035, 0.035):
            figure.line_on(figure.bust(cord + (shift, 0)), figure.cloth, 0.55, "even")


def _tee(figure, s, n) -> None:
    line = bezier((n * 1.45, 1.5), (n * 1.1, 1.93), (0, 1.98), 8)
    outline = _torso(figure, figure.cloth, s, n, line)
    band = line + np.stack([np.linspace(0.1, 0, 8), np.linspace(0.05, 0.12, 8)], axis=1)
    band = np.concatenate([line, band[::-1]])
    band = np.concatenate(
        [band[:8], (band[:8] * (-1, 1))[::-1], (band[8:] * (-1, 1))[::-1], band[8:]]
    )
    figure.canvas.shade([figure.bust(band)], figure.trim.base, outline)
    inner = line + np.stack([np.linspace(0.1, 0, 8), np.linspace(0.05, 0.12, 8)], axis=1)
    figure.line_on(figure.bust(_both(inner)), figure.cloth, 0.7, "even")


def _turtleneck(figure, s, n) -> None:
    outline = _torso(
        figure, figure.cloth, s, n, bezier((n * 1.2, 1.45), (n * 0.8, 1.6), (0, 1.6), 8)
    )
    collar = [(n * 1.08, 1.08), (n * 1.2, 1.5), (0.0, 1.76)]
    left = np.array(collar[:2])[::-1] * (-1, 1)
    shape = spline(np.concatenate([collar, left, [(0.0, 1.3)]]), closed=True, samples=4)
    neck = figure.part([figure.bust(shape)], figure.cloth, "cloth", 1.0)
    figure.shadow(
        [figure.bust(np.array([(-1, 1.0), (1, 1.0), (0.6, 1.32), (-0.6, 1.3)]))],
        figure.cloth,
        neck,
        0.015,
    )
    for x in np.linspace(-0.75, 0.75, 6):
        rib = bezier(
            (x * n, 1.3 + 0.06 * (1 - x * x)), (x * n * 1.04, 1.45), (x * n * 1.08, 1.62), 4
        )
        figure.line_on(figure.bust(rib), figure.cloth, 0.4, "brush")
    for x in (-0.7, -0.25, 0.25, 0.7):
        rib = bezier((x, 2.1), (x * 1.05, 2.5), (x * 1.08, 2.9), 5)
        figure.line_on(figure.bust(rib), figure.cloth, 0.4, "brush")
    del outline


def _kimono(figure, s, n) -> None:
    _torso(
        figure, figure.cloth, s, n, bezier((n * 1.5, 1.5), (n * 0.8, 1.8), (0, 2.1), 8), slope=1.7
    )
    rng = figure.rng
    for _ in range(7):
        x, y = 0.7 + 0.9 * rng.random(), 2.0 + 0.8 * rng.random()
        draw_blossom(
            figure,
            figure.bust,
            (x * (1 if rng.random() < 0.5 else -1), y),
            0.11 + 0.05 * rng.random(),
            figure.trim,
            "cloth",
            0.5,
        )
    for side in (-1, 1):  # the left panel lies over the right one
        strip = [
            (n * 1.1, 1.3),
            (n * 1.5, 1.42),
            (0.12, 2.5),
            (-0.5, 3.2),
            (-0.85, 3.2),
            (-0.15, 2.3),
        ]
        figure.part([figure.bust(np.array(strip) * (side, 1))], figure.trim, "cloth", 0.95)
        lining = [(n * 1.02, 1.32), (n * 1.2, 1.36), (0.02, 2.36), (-0.1, 2.3)]
        figure.part([figure.bust(np.array(lining) * (side, 1))], figure.white, "cloth", 0.7)


def draw_blossom(figure, place, centre, radius, tone, label, weight=0.7) -> None:
    """A flower of five petals."""
    angle = np.radians(np.arange(60) * 6.0 - 90)
    r = radius * (0.62 + 0.38 * np.abs(np.cos(2.5 * (angle + np.pi / 2))))
    figure.part(
        [place(np.stack([np.cos(angle) * r, np.sin(angle) * r], axis=1) + centre)],
        tone,
        label,
        weight,
    )
    middle = place(ellipse(centre, (radius * 0.28, radius * 0.28), samples=8))
    figure.part([middle], figure.tone((255, 214, 90)), label, weight * 0.8)


def _dress(figure, s, n) -> None:
    top = [(0.98, 2.02), (0.5, 2.14), (0.0, 2.26)]
    body = np.concatenate(
        [
            [(1.25, 2.3), (1.2, 3.4), (-1.2, 3.4), (-1.25, 2.3)],
            np.array(top) * (-1, 1),
            np.array(top)[::-1],
        ]
    )
    outline = figure.part([figure.bust(body)], figure.cloth, "cloth", 1.0)
    figure.shadow(
        [
            figure.bust(
                np.array([(0.5, 2.2), (1.4, 2.0), (1.4, 3.4), (0.7, 3.4)])
                * (-figure.scene.light, 1)
            )
        ],
        figure.cloth,
        outline,
        0.03,
    )
    for side in (1, -1):
        strap = [(0.8, 1.62), (1.0, 1.62), (1.0, 2.1), (0.78, 2.1)]
        figure.part([figure.bust(np.array(strap) * (side, 1))], figure.cloth, "cloth", 0.9)
        xs = np.linspace(0, 1.05, 6)
        frill = []
        for a, b in zip(xs[:-1], xs[1:], strict=True):
            y = 2.3 - 0.26 * (a + b) / 2
            frill.append(bezier((a, y - 0.02), ((a + b) / 2, y + 0.24), (b, y - 0.1), 5))
        frill = np.concatenate(frill)
        upper = np.array([(1.0, 1.98), (0.5, 2.12), (0.0, 2.24)])
        figure.part(
            [figure.bust(frill * (side, 1)), figure.bust(upper * (side, 1))],
            figure.white,
            "cloth",
            0.85,
        )
        fold = bezier((0.3 * side, 2.6), (0.36 * side, 2.9), (0.34 * side, 3.3), 5)
        figure.line_on(figure.bust(fold), figure.cloth, 0.6, "in")
    draw_bow(figure, figure.bust, (0.0, 2.34), 0.22, figure.trim, "cloth")


def _scarf(figure, s, n) -> None:
    coat = figure.trim
    _torso(figure, coat, s, n, bezier((n * 1.3, 1.5), (n * 0.9, 1.8), (0, 1.9), 8))
    figure.line_on(
        figure.bust(np.array([(0.06, 1.9), (0.08, 2.6), (0.06, 3.4)])), coat, 0.8, "even"
    )
    tail = [(0.2, 1.7), (0.72, 1.72), (0.86, 3.2), (0.3, 3.2)]
    side = figure.scene.part
    figure.part([figure.bust(np.array(tail) * (side, 1))], figure.cloth, "cloth", 1.0)
    for y in (2.2, 2.4):
        figure.line_on(
            figure.bust(np.array([(0.27, y), (0.5, y + 0.03), (0.78, y)]) * (side, 1)),
            figure.cloth,
            0.6,
            "even",
        )
    ring = spline(
        [
            (0.98, 1.42),
            (0.9, 1.82),
            (0.35, 2.06),
            (-0.35, 2.06),
            (-0.9, 1.82),
            (-0.98, 1.42),
            (-0.62, 1.12),
            (-0.2, 1.32),
            (0.2, 1.32),
            (0.62, 1.12),
        ],
        closed=True,
        samples=4,
    )
    outline = figure.part([figure.bust(ring)], figure.cloth, "cloth", 1.05)
    under = spline(
        [(-1.1, 1.0), (1.1, 1.0), (0.6, 1.42), (0.0, 1.56), (-0.6, 1.42)], closed=True, samples=4
    )
    figure.shadow([figure.bust(under)], figure.cloth, outline, 0.02)
    for a, b, c in (
        ((-0.9, 1.5), (-0.2, 1.85), (0.5, 1.82)),
        ((0.85, 1.45), (0.4, 1.68), (-0.1, 1.7)),
        ((-0.7, 1.75), (-0.3, 1.95), (0.1, 1.95)),
    ):
        figure.line_on(figure.bust(bezier(a, b, c, 8)), figure.cloth, 0.7, "brush")
