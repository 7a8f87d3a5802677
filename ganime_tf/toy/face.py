"""The face: skin, ears, neck, eyes, brows, nose, mouth."""

import numpy as np

from ganime_tf.toy.colours import darker, lighter, mix
from ganime_tf.toy.curves import bezier, ellipse, ribbon, spline, symmetric, width_profile
from ganime_tf.toy.figure import LABEL, Figure


def face_outline(figure: Figure) -> np.ndarray:
    """The outline of the face in picture units."""
    build = figure.build
    k, chin = build.length, build.chin
    half = [
        (0.0, -1.1),
        (0.62, -0.98),
        (0.95, -0.5),
        (1.0, 0.05),
        (0.95, 0.42 * k),
        (build.jaw + 0.16, 0.76 * k),
        (build.jaw - 0.18 - 0.08 * chin, 1.04 * k),
        (0.2 - 0.05 * chin, (1.23 + 0.02 * chin) * k),
        (0.0, (1.27 + 0.05 * chin) * k),
    ]
    return figure.contour(spline(symmetric(half), closed=True, samples=5))


def draw_neck(figure: Figure) -> None:
    """Neck and shoulders, bare; clothes come on top."""
    build = figure.build
    n, s = build.neck, build.shoulder
    right = [
        (n, 0.7),
        (n * 0.96, 1.2),
        (n * 1.08, 1.5),
        (n * 1.9, 1.72),
        (s, 1.95),
        (s + 0.25, 3.2),
    ]
    right = spline(right, samples=5)
    outline = np.concatenate([right, right[::-1] * (-1, 1)])
    neck = figure.bust(outline)
    figure.canvas.fill(neck, figure.skin.base, LABEL["neck"])
    for side in (1, -1):
        figure.line_on(figure.bust(right * (side, 1)), figure.skin, 0.9, "pen")
    under = [
        (-n * 1.05, 0.8),
        (n * 1.05, 0.8),
        (n, 1.32),
        (0.1 + 0.6 * figure.sine, 1.5),
        (-n, 1.3),
    ]
    figure.shadow([figure.bust(np.array(under))], figure.skin, neck, 0.025)
    for side in (1, -1):
        bone = bezier((0.16 * side, 1.86), (0.4 * side, 1.78), (0.75 * side, 1.8), 6)
        figure.line_on(figure.bust(bone), figure.skin, 0.5, "brush")


def draw_ears(figure: Figure) -> None:
    """Both ears, behind the face."""
    build = figure.build
    y = build.eye_y + 0.14
    for side, label in ((1, "left_ear"), (-1, "right_ear")):
        if figure.scene.elf:
            pts = [
                (0.88, y - 0.2),
                (1.3, y - 0.42),
                (1.72, y - 0.5),
                (1.45, y - 0.08),
                (1.1, y + 0.25),
                (0.88, y + 0.28),
            ]
            pieces = [
                figure.head(spline(np.array(pts[:3]) * (side, 1), samples=5), -0.25),
                figure.head(spline(np.array(pts[2:]) * (side, 1), samples=5), -0.25),
            ]
            inner = [(1.02, y - 0.08), (1.28, y - 0.28), (1.5, y - 0.38), (1.25, y - 0.05)]
        else:
            pts = [
                (0.9, y - 0.22),
                (1.08, y - 0.3),
                (1.19, y - 0.12),
                (1.1, y + 0.18),
                (0.97, y + 0.3),
                (0.88, y + 0.2),
            ]
            pieces = [figure.head(spline(np.array(pts) * (side, 1), samples=5), -0.25)]
            inner = [(1.0, y - 0.12), (1.1, y - 0.14), (1.08, y + 0.04), (1.0, y + 0.14)]
        outline = figure.part(pieces, figure.skin, label, 0.9, close=False)
        inner = figure.head(spline(np.array(inner) * (side, 1), samples=4), -0.25)
        figure.shadow([inner], figure.skin, outline, 0.01)
        figure.line_on(inner, figure.skin, 0.55)


def draw_skin(figure: Figure) -> np.ndarray:
    """The bare face with its own shadow and blush; returns its outline."""
    scene, build = figure.scene, figure.build
    outline = face_outline(figure)
    figure.canvas.fill(outline, figure.skin.base, LABEL["skin"])
    side, k = -scene.light, build.length
    cheek = [
        (1.3, -0.9),
        (0.93, -0.2),
        (0.86, 0.4 * k),
        (0.58, 0.86 * k),
        (0.1, 1.17 * k),
        (0.0, 1.5 * k),
        (1.3, 1.4 * k),
    ]
    figure.shadow(
        [figure.contour(spline(np.array(cheek) * (side, 1), closed=True, samples=5))],
        figure.skin,
        outline,
        0.035,
    )
    lower = outline[len(outline) // 8 : -len(outline) // 8]
    if not figure.human:
        figure.canvas.stroke(lower, figure.skin.line, 1.05, "pen")
        _draw_blush(figure, outline)
    if scene.mole:
        spot = figure.face(ellipse((0.5 * scene.part, 0.68), (0.025, 0.025), samples=8))
        figure.canvas.blot(spot, figure.skin.line, figure.canvas.pen.ink)
    return outline


def _draw_blush(figure: Figure, outline) -> None:
    kind, amount = figure.artist.blush, figure.scene.blush
    if kind == "none":
        return
    pink = mix(figure.skin.base, figure.tone((255, 96, 96)).base, 0.5)
    for side in (-1, 1):
        centre = (side * 0.6, figure.build.eye_y + 0.42)
        if kind == "hatch":
            for step in (-0.1, 0.0, 0.1):
                x, y = centre[0] + step, centre[1]
                line = bezier((x + 0.035, y - 0.07), (x, y), (x - 0.035, y + 0.07), 4)
                figure.line_on(figure.face(line), figure.tone((236, 110, 100)), 0.5)
        elif kind == "oval":
            figure.canvas.shade(
                [figure.face(ellipse(centre, (0.2, 0.1)))], pink, outline, 0.8 * amount
            )
        else:
            spot = figure.face(ellipse(centre, (0.22, 0.11)))
            figure.canvas.shade([spot], pink, outline, 0.95 * amount, 0.022)


def draw_nose(figure: Figure) -> None:
    """A tick in a drawing; a shaded ridge in a photo."""
    build, scene = figure.build, figure.scene
    y, side = build.nose_y, -scene.light
    lift = 0.28 if figure.human else 0.16
    if not figure.human:
        tip = figure.face([(0.0, y)], lift)[0]
        tick = figure.face(
            bezier((0.035 * side, y - 0.05), (0.05 * side, y + 0.02), (-0.03 * side, y + 0.035), 6),
            lift,
        )
        figure.line_on(tick, figure.skin, 0.8)
        shade = figure.face(
            np.array([(0.02 * side, y - 0.16), (0.1 * side, y + 0.02), (-0.02 * side, y + 0.04)]),
            lift,
        )
        figure.shadow([shade], figure.skin, None, 0.008)
        spot = ellipse(tip, (0.016, 0.014), samples=10)
        figure.canvas.fill(spot, None, LABEL["nose"], hides=False)
        return
    dark, light = darker(figure.skin.base, 0.3, -0.01), lighter(figure.skin.base, 0.4)
    ridge = np.array(
        [
            (0.05 * side, 0.0),
            (0.10 * side, 0.3),
            (0.17 * side, y),
            (0.06 * side, y + 0.06),
            (0.02 * side, 0.3),
        ]
    )
    shape = figure.face(
        spline(
            [
                (-0.06, 0.1),
                (0.06, 0.1),
                (0.1, y - 0.15),
                (0.19, y + 0.02),
                (0.1, y + 0.1),
                (-0.1, y + 0.1),
                (-0.19, y + 0.02),
                (-0.1, y - 0.15),
            ],
            closed=True,
            samples=4,
        ),
        0.1,
    )
    figure.canvas.fill(shape, None, LABEL["nose"])
    figure.canvas.shade([figure.face(ridge, 0.1)], dark, None, 0.5, 0.012)
    under = figure.face(ellipse((0.0, y + 0.085), (0.17, 0.04), samples=14), 0.12)
    figure.canvas.shade([under], dark, None, 0.6, 0.008)
    for x in (-0.085, 0.085):
        hole = figure.face(ellipse((x, y + 0.07), (0.045, 0.022), samples=10), 0.14)
        figure.canvas.shade([hole], (70, 34, 30), None, 0.7, 0.003)
    figure.canvas.shade(
        [figure.face(ellipse((-0.02 * side, y - 0.06), (0.05, 0.08), samples=12), lift)],
        light,
        None,
        0.4,
        0.01,
    )
    figure.canvas.shade(
        [figure.face(ellipse((-0.02 * side, 0.25), (0.03, 0.22), samples=12), lift)],
        light,
        None,
        0.3,
        0.01,
    )


def draw_mouth(figure: Figure) -> None:
    """The mouth in one of its expressions."""
    if figure.human:
        _draw_lips(figure)
        return
    y, w, kind = figure.build.mouth_y, figure.build.mouth_width, figure.scene.mouth
    canvas, lift = figure.canvas, 0.06
    red, tongue = figure.tone((150, 52, 58)).base, figure.tone((236, 128, 124)).base

    def at(points):
        return figure.face(np.asarray(points) + (0, y), lift)

    def opening(points):
        shape = at(points)
        canvas.fill(shape, red, LABEL["mouth"])
        return shape

    if kind in ("open", "grin"):
        top = bezier((-w, -0.04), (0, 0.02 if kind == "open" else 0.0), (w, -0.04), 9)
        deep = 0.27 if kind == "open" else 0.2
        low = spline(
            [
                (w, -0.04),
                (0.72 * w, deep * 0.62),
                (0, deep * 0.86),
                (-0.72 * w, deep * 0.62),
                (-w, -0.04),
            ],
            samples=5,
        )
        shape = opening(np.concatenate([top, low]))
        if kind == "open":
            canvas.shade([at(ellipse((0, deep * 0.95), (0.75 * w, deep * 0.5)))], tongue, shape)
        teeth = np.concatenate(
            [top, (top * (0.86, 1) + (0, 0.075 if kind == "open" else 0.14))[::-1]]
        )
        canvas.shade([at(teeth)], (255, 253, 250), shape)
        canvas.stroke(at(top), figure.line, 0.9, "pen")
        canvas.stroke(at(low), figure.line, 0.85, "pen")
        return
    if kind == "small":
        shape = opening(ellipse((0, 0.02), (0.085, 0.075), samples=16))
        canvas.shade([at(ellipse((0, 0.08), (0.07, 0.05), samples=12))], tongue, shape)
        canvas.stroke(np.concatenate([shape, shape[:1]]), figure.line, 0.8, "even")
        return
    line = {
        "smile": bezier((-w, -0.05), (0, 0.13), (w, -0.05), 10),
        "neutral": bezier((-0.7 * w, 0.0), (0, 0.03), (0.7 * w, 0.0), 8),
        "frown": bezier((-0.75 * w, 0.05), (0, -0.07), (0.75 * w, 0.05), 9),
        "pout": spline(
            [(-0.5 * w, 0.02), (-0.2 * w, -0.03), (0.12 * w, 0.02), (0.5 * w, -0.03)], samples=4
        ),
        "cat": spline(
            [(-w, -0.05), (-0.55 * w, 0.06), (0, -0.01), (0.55 * w, 0.06), (w, -0.05)], samples=4
        ),
    }[kind]
    placed = at(line)
    canvas.fill(ribbon(placed, np.full(len(placed), 0.011)), None, LABEL["mouth"], hides=False)
    canvas.stroke(placed, figure.line, 1.05, "brush")
    if kind != "cat":
        lip = at(bezier((-0.25 * w, 0.12), (0, 0.14), (0.25 * w, 0.12), 5))
        canvas.stroke(lip, figure.skin.line, 0.5, "brush")


def _draw_lips(figure: Figure) -> None:
    y, w, kind = figure.build.mouth_y, figure.build.mouth_width, figure.scene.mouth
    canvas = figure.canvas
    blood = 0.5 if figure.scene.boyish else 0.85
    lip = mix(figure.skin.base, (178, 62, 66), 0.55 * blood)
    curve = {
        "smile": -0.07,
        "open": -0.07,
        "grin": -0.07,
        "cat": -0.05,
        "frown": 0.04,
        "pout": 0.02,
    }.get(kind, 0.0)
    gap = {"open": 0.15, "grin": 0.1, "small": 0.08}.get(kind, 0.0)
    if kind in ("small", "pout"):
        w *= 0.78
    elif gap:
        w *= 1.12

    def at(points):
        return figure.face(np.asarray(points) + (0, y), 0.08)

    top = spline(
        [(-w, curve), (-0.35 * w, -0.085), (0, -0.065), (0.35 * w, -0.085), (w, curve)], samples=5
    )
    bottom = spline(
        [(w, curve), (0.5 * w, 0.11 + gap), (0, 0.14 + gap), (-0.5 * w, 0.11 + gap), (-w, curve)],
        samples=5,
    )
    canvas.fill(at(np.concatenate([top, bottom])), lip, LABEL["mouth"])
    upper = np.concatenate([top, bezier((w, curve), (0, 0.05 - curve), (-w, curve), 9)])
    canvas.fill(at(upper), darker(lip, 0.14), None)
    inner_top = bezier((-0.86 * w, curve), (0, 0.03 - curve * 0.8), (0.86 * w, curve), 9)
    if gap:
        inner = np.concatenate(
            [inner_top, bezier((0.86 * w, curve), (0, 2 * gap + 0.05), (-0.86 * w, curve), 9)]
        )
        canvas.fill(at(inner), (92, 30, 32), None)
        teeth = np.concatenate(
            [
                inner_top,
                bezier((0.7 * w, curve + 0.02), (0, 1.2 * gap + 0.05), (-0.7 * w, curve + 0.02), 9),
            ]
        )
        canvas.fill(at(teeth), (240, 234, 226), None)
    else:
        line = at(inner_top)
        canvas.fill(ribbon(line, width_profile(len(line), "brush") * 0.004), (96, 40, 40), None)
    shine = at(ellipse((0.02, 0.085 + gap), (0.3 * w, 0.02), samples=10))
    canvas.shade([shine], lighter(lip, 0.6), None, 0.5, 0.004)
    canvas.shade(
        [at(ellipse((0, 0.22 + gap), (0.55 * w, 0.035), samples=12))],
        darker(figure.skin.base, 0.25),
        None,
        0.5,
        0.01,
    )
