"""Eyes with lids, lashes, irises and highlights; brows."""

import numpy as np

from ganime_tf.toy.colours import darker, hsv, lighter, mix, rgb
from ganime_tf.toy.curves import bezier, ellipse, ribbon, spline, width_profile
from ganime_tf.toy.figure import LABEL, Figure


def _lids(figure: Figure, width: float, height: float, slant: float, openness: float):
    """Upper and lower lid from the inner to the outer corner, in eye units about its middle."""
    w, h = width, height
    if figure.human:
        upper = [
            (-w, 0.1 * h),
            (-0.5 * w, -0.72 * h),
            (0.1 * w, -h),
            (0.65 * w, -0.62 * h),
            (w, 0.05 * h),
        ]
        lower = [
            (-w, 0.1 * h),
            (-0.4 * w, 0.62 * h),
            (0.3 * w, 0.75 * h),
            (0.8 * w, 0.4 * h),
            (w, 0.05 * h),
        ]
    else:
        upper = [
            (-w, -0.02 * h),
            (-0.72 * w, -0.62 * h),
            (-0.1 * w, -h),
            (0.62 * w, -0.78 * h),
            (w, -0.12 * h),
        ]
        lower = [
            (-w, -0.02 * h),
            (-0.78 * w, 0.62 * h),
            (-0.1 * w, 0.95 * h),
            (0.62 * w, 0.82 * h),
            (w, -0.12 * h),
        ]
    upper, lower = spline(upper, samples=5), spline(lower, samples=5)
    if openness < 1:
        upper[:, 1] = np.maximum(
            upper[:, 1], -openness * h * 0.55 + 0.12 * (upper[:, 0] / w) ** 2 * h
        )
        upper[[0, -1]] = lower[[0, -1]]
    upper[:, 1] -= slant * upper[:, 0] * 1.5
    lower[:, 1] -= slant * lower[:, 0] * 1.5
    return upper, lower


def draw_eyes(figure: Figure) -> None:
    """Both eyes with lids, lashes, irises and highlights."""
    scene = figure.scene
    for side, label in ((1, "left_eye"), (-1, "right_eye")):
        closed = scene.eyes == "happy" or (scene.eyes == "wink" and side == scene.part)
        if closed and not figure.human:
            _draw_closed_eye(figure, side, label)
        else:
            _draw_open_eye(
                figure, side, label, 0.35 if closed else 0.62 if scene.eyes == "half" else 1.0
            )


def _place(figure: Figure, side: int, points, lift: float = 0.0) -> np.ndarray:
    """Eye units (x outwards) -> picture units."""
    build = figure.build
    return figure.face((points + (build.eye_x, build.eye_y)) * (side, 1.0), lift)


def _draw_closed_eye(figure: Figure, side: int, label: str) -> None:
    w = figure.build.eye_width
    arc = spline(
        [(-w, 0.12), (-0.6 * w, -0.05), (0.05 * w, -0.11), (0.7 * w, -0.03), (1.05 * w, 0.14)],
        samples=5,
    )
    line = _place(figure, side, arc)
    lash = mix(figure.line, figure.hair.line, 0.4)
    figure.canvas.stroke(line, lash, 2.4, "lash")
    if figure.canvas.labels:
        thick = ribbon(line, np.full(len(line), 0.012))
        figure.canvas.fill(thick, None, LABEL[label], hides=False)
    if not figure.scene.boyish:
        for x in (0.75, 1.0):
            figure.canvas.stroke(
                _place(
                    figure,
                    side,
                    bezier((x * w, 0.02), (x * w + 0.07, 0.06), (x * w + 0.13, 0.04), 4),
                ),
                lash,
                1.1,
                "out",
            )


def _draw_open_eye(figure: Figure, side: int, label: str, openness: float) -> None:
    scene, artist, build, canvas = figure.scene, figure.artist, figure.build, figure.canvas
    w, h = build.eye_width, build.eye_width * build.eye_aspect
    upper, lower = _lids(figure, w, h, build.eye_slant, openness)
    white = np.concatenate([upper, lower[::-1]])
    ball = figure.tone((252, 250, 252) if not figure.human else (232, 224, 220)).base
    canvas.fill(_place(figure, side, white), ball, LABEL[label])

    def inside(points, top=0.0):
        """Clamps points between the lids."""
        y = np.clip(
            points[:, 1],
            np.interp(points[:, 0], upper[:, 0], upper[:, 1]) + top,
            np.interp(points[:, 0], lower[:, 0], lower[:, 1]),
        )
        return _place(figure, side, np.stack([points[:, 0], y], axis=1))

    gaze = np.array([0.12 * scene.gaze * side * w, 0.03 * h])
    rx, ry = (0.50 * w, 0.50 * w) if figure.human else (0.66 * w, 0.9 * h)
    if figure.human:
        gaze[1] = -0.12 * h
    iris = figure.tone(scene.iris)
    dark = darker(iris.base, 0.62, -0.02)
    glow = lighter(rgb(*_brighter(iris.base)), 0.12)

    def disc(cx, cy, sx, sy, samples=22):
        return ellipse(gaze + (cx * rx, cy * ry), (sx * rx, sy * ry), samples=samples)

    edge = inside(disc(0, 0, 1, 1))
    ink = canvas.pen.ink
    if figure.human:
        natural = mix(iris.base, (96, 66, 48), 0.45)
        canvas.fill(edge, darker(natural, 0.5), None)
        canvas.fill(inside(disc(0, 0, 0.84, 0.84)), natural, None)
        canvas.fill(inside(disc(0, 0, 0.42, 0.42)), (12, 10, 10), None)
        canvas.fill(inside(disc(-0.25 * scene.light, -0.3, 0.2, 0.2, 10)), (250, 250, 250), None)
    else:
        canvas.fill(edge, dark, None, hides=False)
        if artist.iris == "flat":
            canvas.fill(inside(disc(0, 0.02, 0.86, 0.9)), iris.base, None, hides=False)
        else:
            canvas.fill(
                inside(disc(0, 0.1, 0.88, 0.86)), darker(iris.base, 0.32, -0.01), None, hides=False
            )
            canvas.fill(inside(disc(0, 0.3, 0.8, 0.66)), iris.base, None, hides=False)
            canvas.fill(inside(disc(0, 0.52, 0.62, 0.42)), glow, None, hides=False)
        if artist.iris == "ringed":
            canvas.fill(inside(disc(0, 0.08, 0.6, 0.6)), dark, None, hides=False)
            canvas.fill(inside(disc(0, 0.08, 0.5, 0.5)), iris.base, None, hides=False)
        canvas.stroke(np.concatenate([edge, edge[:1]]), dark, 0.8, "even")
        pupil = inside(disc(0, 0.02, 0.38, 0.42, 16))
        canvas.blot(pupil, darker(iris.base, 0.8), ink)
        if artist.shading != "flat":  # the upper lid's shadow on the ball
            shade = np.concatenate([upper, (upper * (1.0, 0.62))[::-1]])
            canvas.shade(
                [_place(figure, side, shade)], darker(dark, 0.2), _place(figure, side, white), 0.38
            )
        glint = -scene.light * side
        canvas.blot(
            inside(disc(-0.36 * glint * side * side, -0.42, 0.32, 0.28, 14), 0.02),
            (255, 255, 255),
            255,
        )
        canvas.blot(inside(disc(0.42 * glint, 0.5, 0.17, 0.15, 10)), (255, 255, 255), 255)
        if artist.iris == "sparkle":
            canvas.blot(inside(disc(0.45 * glint, -0.1, 0.12, 0.1, 8)), (255, 255, 255), 255)
            canvas.blot(inside(disc(-0.4 * glint, 0.35, 0.1, 0.09, 8)), (255, 255, 255), 255)
    _draw_lashes(figure, side, upper, lower, w, h, openness)


def _brighter(colour):
    h, s, v = hsv(colour)
    return h + 0.03, s * 0.8, min(1.0, v * 1.35)


def _draw_lashes(figure: Figure, side: int, upper, lower, w, h, openness) -> None:
    canvas = figure.canvas
    feminine = not figure.scene.boyish
    if figure.human:
        dark = mix((40, 28, 24), figure.hair.shade, 0.2)
        lid = _place(figure, side, upper)
        canvas.fill(
            ribbon(lid, width_profile(len(lid), "lash") * (0.0055 if feminine else 0.0035)),
            dark,
            None,
        )
        crease = _place(figure, side, upper * (1.05, 1.35) + (0, -0.03))
        canvas.shade(
            [ribbon(crease, np.full(len(crease), 0.003))],
            darker(figure.skin.base, 0.4),
            None,
            0.7,
            0.003,
        )
        return
    lash = mix((30, 20, 32), figure.hair.line, 0.5 * figure.artist.line_tint)
    flick = np.array([(1.12 * w, -0.2 * h)]) if feminine else np.array([(1.04 * w, 0.0)])
    flick[:, 1] -= figure.build.eye_slant * w * 1.5
    lid = spline(np.concatenate([upper[::5][:-1], flick]), samples=5)
    canvas.stroke(_place(figure, side, lid), lash, 2.9 if feminine else 2.2, "lash")
    if feminine:
        for x, y in ((0.98, -0.28), (0.82, -0.6)):
            y = y * h * min(1.0, openness + 0.1) - figure.build.eye_slant * x * w * 1.5
            stroke = bezier(
                (x * w, y), ((x + 0.2) * w, y - 0.02 * h), ((x + 0.36) * w, y - 0.2 * h), 5
            )
            canvas.stroke(_place(figure, side, stroke), lash, 1.3, "out")
    low = lower[len(lower) // 3 : -2]
    canvas.stroke(_place(figure, side, low), lash, 0.8, "brush")
    crease = upper[4:-3] + (0.0, -0.16 * h)
    canvas.stroke(_place(figure, side, crease), figure.skin.line, 0.55, "brush")


def draw_brows(figure: Figure) -> None:
    """Both brows; in a drawing they show through the fringe."""
    scene, build = figure.scene, figure.build
    mood = scene.brows + {"frown": 0.9, "pout": 0.5, "smile": -0.3, "open": -0.3}.get(
        scene.mouth, 0
    )
    height = build.eye_width * build.eye_aspect
    colour = darker(figure.hair.base, 0.38 if not figure.human else 0.45)
    for side, label in ((1, "left_brow"), (-1, "right_brow")):
        y = -height - (0.17 if figure.human else 0.2)
        inner = (-0.24, y + 0.07 * mood)
        outer = (0.3, y + 0.05 - 0.03 * mood)
        arch = (0.08, y - 0.09 - 0.02 * scene.brows)
        line = _place(figure, side, bezier(inner, arch, outer, 9))
        if figure.human:
            shape = ribbon(line, width_profile(9, "brush") * (0.011 if scene.boyish else 0.008))
            figure.canvas.shade([shape], colour, None, 0.85, 0.003)
        else:
            figure.canvas.stroke(
                line, mix(colour, figure.hair.line, 0.5), 2.2 if scene.boyish else 1.4, "brush"
            )
            shape = ribbon(line, width_profile(9, "brush") * 0.009)
        figure.canvas.fill(shape, None, LABEL[label], hides=False)
