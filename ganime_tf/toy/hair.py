"""Hair: the mass behind the head, the fringe and side locks in front, tails and braids."""

import numpy as np

from ganime_tf.toy.colours import darker
from ganime_tf.toy.curves import bezier, ellipse, lock, spline
from ganime_tf.toy.figure import Figure


def _tips(rng, x0, x1, y, count, amplitude):
    """A ragged hem from (x0, y) to (x1, y): pieces of curve between points and notches."""
    xs = np.linspace(x0, x1, count + 1)
    pieces = []
    for left, right in zip(xs[:-1], xs[1:], strict=True):
        drop = amplitude * (0.7 + 0.6 * rng.random())
        tip = (0.5 * (left + right) + 0.15 * (right - left) * rng.normal(), y + drop)
        pieces.append(bezier((left, y), (left, y + 0.7 * drop), tip, 5))
        pieces.append(bezier(tip, (right, y + 0.7 * drop), (right, y), 5))
    return pieces


def _mass(width, top, bottom, flare, wave=0.0):
    """The right edge of the hair behind the head, from the crown down to `bottom`."""
    points = [(0.0, -top), (0.68, -top * 0.88), (width * 0.97, -0.62), (width * 1.06, 0.1)]
    steps = np.linspace(0.55, bottom, max(3, int((bottom - 0.3) / 0.42)))
    for number, y in enumerate(steps):
        x = width * 1.05 + flare * (y - 0.5) / max(bottom - 0.5, 0.5)
        points.append((x + wave * (-1) ** number, y))
    return np.array(points)


def draw_back_hair(figure: Figure) -> None:
    """Everything behind the neck and the face."""
    scene, build, rng = figure.scene, figure.build, figure.rng
    w, top, vol = build.hair_width, build.crown, 0.1 * scene.volume
    width, cut = w + vol, scene.cut
    back = figure.tone(darker(scene.hair, 0.16), 1.0)
    if cut == "twin_tails":
        for side in (1, -1):
            _draw_tail(
                figure,
                side,
                (0.98, -0.62),
                (2.05, -0.1),
                (1.5 + 0.4 * scene.length, 1.9 + 0.6 * scene.length),
                0.5,
            )
    elif cut == "ponytail":
        side = scene.part
        _draw_tail(figure, side, (0.55, -1.05), (2.1, -0.9), (1.45, 1.5 + 0.7 * scene.length), 0.46)
    elif cut == "buns":
        for side in (1, -1):
            _draw_bun(figure, side)
    if cut in ("spiky", "pixie"):
        edge, hem = _mass(width - 0.03, top, 0.62, -0.3), (0.75, 0.72, 4, 0.22)
    elif cut == "bob":
        edge, hem = _mass(width + 0.12, top, 0.95 + 0.25 * scene.length, -0.12), (0, 0, 6, 0.16)
    elif cut in ("long", "princess"):
        edge, hem = _mass(width + 0.08, top, 2.7, 0.25), (0, 0, 6, 0.2)
    elif cut == "wavy":
        edge, hem = _mass(width + 0.16, top, 1.7 + 0.9 * scene.length, 0.2, 0.1), (0, 0, 5, 0.25)
    else:
        edge, hem = _mass(width - 0.05, top, 0.75, -0.25), (0, 0, 4, 0.2)
    whole = spline(np.concatenate([edge[::-1] * (-1, 1), edge[1:]]), samples=5)
    x, y = whole[-1]
    pieces = [figure.head(whole)]
    pieces += [figure.head(piece) for piece in _tips(rng, x, -x, y, hem[2], hem[3])]
    outline = figure.part(pieces, back, "hair", 1.05)
    behind = figure.head(ellipse((0, 0.7), (0.95, 1.15)))
    figure.shadow([behind], back, outline, 0.05)
    if cut in ("long", "princess", "wavy", "bob"):
        for side in (1, -1):
            for offset in (0.14, 0.3):
                strand = edge[3:] * (side, 1) - (side * (offset + 0.05 * rng.random()), 0)
                figure.line_on(figure.head(spline(strand, samples=4)), back, 0.6, "brush")


def _draw_tail(figure: Figure, side, root, elbow, end, thickness) -> None:
    """A tail of hair from `root` over `elbow` to its tip at `end`."""
    rng = figure.rng
    spine = spline(
        [
            root,
            np.add(np.multiply(elbow, 0.72), (0.2, -0.06)),
            (elbow[0] * 0.93, (elbow[1] + end[1]) * 0.42),
            end,
        ],
        samples=7,
    )
    t = np.linspace(0, 1, len(spine))
    half = thickness * np.sin(np.pi * np.clip(0.1 + 0.9 * t, 0, 1)) ** 0.75
    wobble = 0.03 * np.sin(6 * t + 6 * rng.random())
    outer = spine + np.stack([half * 0.75 + wobble, -0.5 * half * (1 - t)], axis=1)
    inner = spine - np.stack([half * 0.75 - wobble, -0.35 * half * (1 - t)], axis=1)
    notch = spine[-6] + (0.02, 0.0)
    pieces = [
        outer,
        bezier(outer[-1], (notch + outer[-1]) / 2, notch, 4),
        bezier(notch, (notch + inner[-3]) / 2, inner[-3], 4),
        inner[-3::-1],
    ]
    pieces = [figure.head(piece * (side, 1)) for piece in pieces]
    outline = figure.part(pieces, figure.hair, "hair", 1.05)
    shade = np.concatenate([spine + (0.02, 0), inner[::-1]])
    figure.shadow([figure.head(shade * (side, 1))], figure.hair, outline, 0.03)
    for a in (-0.35, 0.1, 0.45):
        strand = spine + np.stack([a * half, 0 * half], axis=1)
        figure.line_on(figure.head(strand[3:-4] * (side, 1)), figure.hair, 0.6, "brush")
    if not figure.human and figure.artist.highlight != "none":
        band = np.concatenate([spine[6:10] + (0.1, 0), spine[9:5:-1] + (0.32, 0)])
        figure.canvas.shade([figure.head(band * (side, 1))], figure.hair.light, outline, 0.6)
    tie = figure.tone(figure.scene.hat_colour)
    knot = ellipse(np.add(root, (0.08, 0.02)), (0.16, 0.2), samples=14)
    figure.part([figure.head(knot * (side, 1))], tie, "hat", 0.9)


def _draw_bun(figure: Figure, side) -> None:
    centre = (0.86, -1.18)
    outline = figure.part(
        [figure.head(ellipse(centre, (0.46, 0.44)) * (side, 1))], figure.hair, "hair", 1.05
    )
    figure.shadow(
        [figure.head(ellipse((0.82, -1.0), (0.42, 0.34)) * (side, 1))], figure.hair, outline, 0.02
    )
    for radius in (0.3, 0.17):
        swirl = ellipse(np.add(centre, (0.02, -0.02)), (radius, radius * 0.9), -150, 60, 12)
        figure.line_on(figure.head(swirl * (side, 1)), figure.hair, 0.65, "brush")


def _fringe_points(figure: Figure):
    """Notches and tips of the fringe from the right temple to the left, in head units."""
    scene, rng, human = figure.scene, figure.rng, figure.human
    low = figure.build.eye_y - figure.build.eye_width * figure.build.eye_aspect
    low = low - 0.02 if not human else low - 0.12
    p = scene.part
    kind = scene.bangs
    jitter = lambda amount: float(amount * rng.normal())  # noqa: E731
    if kind == "straight":
        tips = [
            (x, low + 0.03 * (1 - abs(x)) + jitter(0.02))
            for x in (0.8, 0.5, 0.17, -0.17, -0.5, -0.8)
        ]
        rise = 0.2
    elif kind == "swept":
        tips = [
            (x + 0.06, low + 0.16 - 0.22 * (x + 1) + jitter(0.02))
            for x in (0.72, 0.38, 0.05, -0.3, -0.66)
        ]
        tips = [(-x * p, y) for x, y in tips]
        tips.sort(reverse=True)
        rise = 0.34
    elif kind == "parted":
        tips = [
            (0.86, low + 0.24),
            (0.66, low + 0.02),
            (0.4, low - 0.24),
            (-0.4, low - 0.24),
            (-0.66, low + 0.02),
            (-0.86, low + 0.24),
        ]
        rise = 0.22
    elif kind == "pointed":
        tips = [
            (0.84, low + 0.12),
            (0.56, low + 0.02),
            (0.05 * p, low + 0.3),
            (-0.56, low + 0.02),
            (-0.84, low + 0.12),
        ]
        rise = 0.4
    elif kind == "messy":
        tips = [
            (x + jitter(0.05), low + 0.04 + jitter(0.08))
            for x in (0.82, 0.55, 0.28, 0.0, -0.27, -0.54, -0.82)
        ]
        rise = 0.36
    else:
        tips, rise = [(0.86, low + 0.05), (-0.86, low + 0.05)], 0.5
    return tips, rise


def draw_front_hair(figure: Figure) -> None:
    """The cap of hair over the skull with its fringe, shadows, strands and highlight."""
    scene, build, rng = figure.scene, figure.build, figure.rng
    w, top = build.hair_width + 0.08 * scene.volume, build.crown + 0.05 * scene.volume
    tips, rise = _fringe_points(figure)
    start = (0.97, build.eye_y + 0.16)
    stops = [start, *tips, (-start[0], start[1])]
    inner, notches = [], []
    for number in range(len(stops) - 1):
        a, b = stops[number], stops[number + 1]
        if number == 0 or number == len(stops) - 2:
            height = min(a[1], b[1]) - 0.28
            x = 0.94 * (1 if number == 0 else -1) - 0.03 * (1 if number == 0 else -1)
        else:
            height = min(a[1], b[1]) - rise * (0.75 + 0.5 * rng.random())
            x = 0.5 * (a[0] + b[0]) + 0.1 * (b[0] - a[0]) * rng.normal()
        if scene.bangs == "parted" and abs(a[0] + b[0]) < 0.1:
            x, height = 0.06 * scene.part, -0.92
        if scene.bangs == "open":
            x, height = (0.0, -0.72) if number == 1 else (x, height)
        notch = (x, height)
        notches.append(notch)
        inner.append(lock(notch, a)[::-1])
        inner.append(lock(notch, b))
    half = [
        (w * 0.99, start[1] + 0.06),
        (w * 1.05, -0.15),
        (w * 0.98, -0.68),
        (w * 0.66, -top * 0.86),
        (0.0, -top),
    ]
    if scene.bangs == "messy" or scene.cut == "spiky":
        outer = _spiky_outline(figure, half)
    else:
        outer = [_skull(half)]
    figure_outer = [figure.head(piece) for piece in outer][::-1]
    figure_outer = [piece[::-1] for piece in figure_outer]
    placed = [figure.face(piece, 0.06) for piece in inner]
    ends = [
        np.stack([figure_outer[-1][-1], placed[0][0]]),
        np.stack([placed[-1][-1], figure_outer[0][0]]),
    ]
    fringe = np.concatenate(placed)
    drop = fringe + (0.004 * -scene.light, 0.028)
    if figure.artist.shading != "flat" or figure.human:
        lid = np.concatenate([fringe[::-1], drop])
        figure.shadow([lid], figure.skin, figure.face_shape, 0.018)
    outline = figure.part([*figure_outer, *placed], figure.hair, "hair", 1.05)
    for end in ends:
        figure.line_on(end, figure.hair, 0.9, "pen")
    _draw_strands(figure, notches, tips, outline, top)


def _skull(half) -> np.ndarray:
    """The outline over the skull from right to left, from its right half."""
    half = np.asarray(half)
    return spline(np.concatenate([half, half[-2::-1] * (-1, 1)]), samples=6)


def _spiky_outline(figure: Figure, half):
    """The skull's outline broken into tufts, right to left."""
    rng = figure.rng
    arc = _skull(half)
    count = 9
    marks = np.linspace(0, len(arc) - 1, count + 1).round().astype(int)
    pieces = []
    for number, (a, b) in enumerate(zip(marks[:-1], marks[1:], strict=True)):
        start, stop = arc[a], arc[b]
        lean = 0.25 if number < count / 2 else -0.25
        middle = 0.5 * (start + stop)
        size = 0.20 if figure.scene.cut == "spiky" else 0.1
        if figure.human:
            size *= 0.4
        tip = middle * (1 + size * (0.7 + 0.5 * rng.random())) + lean * (start - stop) * -1.0
        pieces.append(bezier(start, middle * 1.06, tip, 5))
        pieces.append(bezier(tip, 0.5 * (tip + stop) * 1.02, stop, 4))
    return pieces


def _draw_strands(figure: Figure, notches, tips, outline, top) -> None:
    rng, scene = figure.rng, figure.scene
    crown = np.array([0.12 * scene.part, -top + 0.12])
    shadows = []
    for x, y in notches[1:-1]:
        reach = 0.45 + 0.2 * rng.random()
        end = np.array([x, y]) * (1 - reach) + crown * reach
        control = (x * 1.02, y - 0.3 * (y - crown[1]))
        strand = bezier((x, y), control, end, 8)
        figure.line_on(figure.face(strand, 0.06), figure.hair, 0.75, "out")
        wedge = np.array(
            [(x, y), (x - 0.09 * scene.light, y + 0.2), (x - 0.13 * scene.light, y + 0.02), end]
        )
        shadows.append(figure.face(wedge, 0.06))
    for side in (1, -1):
        strand = bezier(crown + (0.1 * side, 0.0), (0.75 * side, -1.0), (0.93 * side, -0.2), 9)
        figure.line_on(figure.face(strand, 0.0), figure.hair, 0.6, "brush")
    for x, y in tips:
        shadows.append(
            figure.face(
                np.array(
                    [(x - 0.1, y - 0.3), (x, y + 0.02), (x + 0.02, y - 0.06), (x + 0.03, y - 0.3)]
                ),
                0.06,
            )
        )
    dim = -scene.light
    shadows.append(
        figure.head(
            spline(
                np.array([(0.8, -1.3), (0.86, -0.6), (0.84, 0.2), (1.4, 0.3), (1.4, -1.2)])
                * (dim, 1),
                closed=True,
                samples=4,
            )
        )
    )
    figure.shadow(shadows, figure.hair, outline, 0.02)
    if not figure.human:
        _draw_highlight(figure, outline)


def _draw_highlight(figure: Figure, outline) -> None:
    kind = figure.artist.highlight
    if kind == "none":
        return
    sy, middle = 0.62, -0.42

    def ring(radius, start, stop, samples):
        return ellipse((0.0, middle), (radius, radius * sy + 0.06), start, stop, samples)

    shapes = []
    if kind in ("ring", "zigzag"):
        upper = ring(0.86, -152, -28, 22)
        lower = ring(0.74, -28, -152, 22)
        if kind == "zigzag":
            teeth = np.where(np.arange(22) % 2, 0.10, -0.03) * np.sin(
                np.linspace(0.15, np.pi - 0.15, 22)
            )
            lower[:, 1] += teeth
            upper[:, 1] += np.where(np.arange(22) % 3, 0.0, -0.05)
        for a, b in ((0, 9), (10, 22)):
            shapes.append(np.concatenate([upper[a:b], lower[22 - b : 22 - a]]))
    elif kind == "streaks":
        for angle in (-140, -122, -100, -64, -44):
            a, b = ring(0.96, angle, angle + 7, 3), ring(0.58, angle + 5, angle + 1, 3)
            shapes.append(np.concatenate([a, b]))
    else:
        for angle, size in ((-128, 0.1), (-110, 0.06), (-60, 0.08)):
            shapes.append(ellipse(ring(0.82, angle, angle, 1)[0], (size, size * 0.7), samples=12))
    soft = 0.008 if figure.artist.shading == "soft" else 0.0
    figure.canvas.shade(
        [figure.face(shape, 0.05) for shape in shapes], figure.hair.light, outline, 0.85, soft
    )


def draw_side_hair(figure: Figure) -> None:
    """Locks beside the cheeks, in front of the shoulders; the braid."""
    scene, rng, build = figure.scene, figure.rng, figure.build
    length = {"spiky": 0.42, "pixie": 0.5, "princess": 0.98, "bob": 0.98, "braid": 0.7}.get(
        scene.cut, 1.0 + 0.6 * scene.length
    )
    if scene.bangs == "open" and scene.cut not in ("princess", "bob"):
        length *= 0.75
    w = build.hair_width
    for side in (1, -1):
        bottom = length + 0.08 * rng.normal()
        root_out, root_in = (w * 1.02, -0.35), (0.84, -0.3)
        if scene.cut == "princess":
            corner_out, corner_in = (w * 0.99, bottom), (0.74, bottom)
            pieces = [
                bezier(root_out, (w * 1.1, 0.3), corner_out, 8),
                np.array([corner_out, (0.5 * (w * 0.99 + 0.74), bottom + 0.02), corner_in]),
                bezier(corner_in, (0.78, 0.2), root_in, 8),
            ]
        else:
            tip = (0.86 + 0.06 * rng.normal(), bottom)
            pieces = [
                bezier(root_out, (w * 1.16, 0.35 * bottom), tip, 9),
                bezier(tip, (0.72, 0.45 * bottom), root_in, 9),
            ]
        placed = [figure.head(piece * (side, 1), 0.12) for piece in pieces]
        outline = figure.part(placed, figure.hair, "hair", 1.0)
        dark = np.concatenate([pieces[-1] + (0.09, 0.02), pieces[-1][::-1] - (0.1, 0.0)])
        figure.shadow([figure.head(dark * (side, 1), 0.12)], figure.hair, outline, 0.02)
        strand = bezier((0.98, -0.2), (1.0, 0.4 * bottom), (0.9, 0.8 * bottom), 7)
        figure.line_on(figure.head(strand * (side, 1), 0.12), figure.hair, 0.6, "brush")
    if scene.cut == "braid":
        _draw_braid(figure, scene.part)


def _draw_braid(figure: Figure, side) -> None:
    spine = spline([(0.92, 0.75), (1.12, 1.2), (0.98, 1.75), (0.86, 2.6)], samples=3)[::2]
    for number, (x, y) in enumerate(spine[::-1]):
        lean = 0.09 * (-1) ** number
        leaf = spline(
            [
                (x - 0.2, y - 0.06),
                (x + lean, y - 0.25),
                (x + 0.2, y - 0.06),
                (x - lean * 0.6, y + 0.25),
            ],
            closed=True,
            samples=4,
        )
        outline = figure.part([figure.bust(leaf * (side, 1))], figure.hair, "hair", 0.95)
        figure.shadow([figure.bust((leaf + (0.16, 0.12)) * (side, 1))], figure.hair, outline, 0.012)
        figure.line_on(
            figure.bust(
                bezier((x - lean, y - 0.18), (x, y), (x + lean * 0.6, y + 0.18), 5) * (side, 1)
            ),
            figure.hair,
            0.55,
        )
