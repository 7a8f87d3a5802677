"""What is behind the person."""

import numpy as np

from ganime_tf.toy.artists import grade, tone
from ganime_tf.toy.canvas import Canvas
from ganime_tf.toy.colours import lighter, mix
from ganime_tf.toy.curves import bezier, ellipse, spline
from ganime_tf.toy.scene import Scene


def draw_backdrop(scene: Scene, artist, canvas: Canvas) -> None:
    """Fills the sheets of `canvas` with the scene's background."""
    rng = np.random.Generator(np.random.PCG64((scene.detail, 1)))
    sky, ground = grade(scene.sky, artist), grade(scene.ground, artist)
    kind = scene.backdrop
    if kind in ("gradient", "sky", "sunset", "stars", "bubbles", "petals", "leaves"):
        canvas.gradient(sky, ground)
    else:
        canvas.gradient(sky, sky)
    draw = {
        "dots": _dots,
        "stripes": _stripes,
        "sky": _sky,
        "sunset": _sunset,
        "petals": _petals,
        "stars": _stars,
        "window": _window,
        "bubbles": _bubbles,
        "leaves": _leaves,
    }.get(kind)
    if draw:
        draw(scene, artist, canvas, rng, sky, ground)


def _scatter(rng, count):
    """Points spread over the picture, few behind the head."""
    grid = (np.arange(count) * np.array([[0.618034], [0.754878]]) + rng.random((2, 1))) % 1.0
    return grid.T


def _shape(canvas, outline, colour, line, weight=0.6) -> None:
    canvas.fill(outline, colour, None)
    canvas.stroke(np.concatenate([outline, outline[:2]]), line, weight, "even")


def _dots(scene, artist, canvas, rng, sky, ground) -> None:
    pale = mix(sky, ground, 0.7)
    for row in range(7):
        for column in range(7):
            centre = ((column + 0.5 * (row % 2)) / 6, row / 6)
            _shape(canvas, ellipse(centre, (0.03, 0.03), samples=14), pale, pale, 0.4)


def _stripes(scene, artist, canvas, rng, sky, ground) -> None:
    pale = mix(sky, ground, 0.6)
    for x in np.arange(-1.0, 1.0, 0.2):
        band = np.array([(x, 1.0), (x + 0.1, 1.0), (x + 1.1, 0.0), (x + 1.0, 0.0)])
        canvas.fill(band, pale, None)
        for edge in (band[[0, 3]], band[[1, 2]]):
            canvas.stroke(np.linspace(edge[0], edge[1], 3), pale, 0.5, "even")


def _cloud(canvas, centre, size, colour, line) -> None:
    bumps = [
        (-1.0, 0.1),
        (-0.75, -0.25),
        (-0.35, -0.3),
        (-0.1, -0.62),
        (0.3, -0.6),
        (0.5, -0.28),
        (0.85, -0.25),
        (1.0, 0.1),
    ]
    pieces = []
    for (x0, y0), (x1, y1) in zip(bumps[:-1], bumps[1:], strict=True):
        normal = (0.9 * (y1 - y0) + 0.5 * (x0 + x1) * 0.25, -0.9 * (x1 - x0))
        pieces.append(
            bezier(
                (x0, y0), (0.5 * (x0 + x1) + normal[0], 0.5 * (y0 + y1) + normal[1]), (x1, y1), 6
            )
        )
    outline = (
        np.concatenate([*pieces, bezier((1.0, 0.1), (0.0, 0.2), (-1.0, 0.1), 6)]) * size + centre
    )
    _shape(canvas, outline, colour, line)


def _sky(scene, artist, canvas, rng, sky, ground) -> None:
    white, line = lighter(sky, 0.85), mix(sky, (60, 80, 130), 0.5)
    for x, y, size in (
        (0.12, 0.2, 0.13),
        (0.88, 0.32, 0.15),
        (0.06, 0.62, 0.16),
        (0.95, 0.7, 0.14),
    ):
        jitter = 0.05 * rng.normal(size=2)
        _cloud(canvas, np.array([x, y]) + jitter, size, white, line)


def _sunset(scene, artist, canvas, rng, sky, ground) -> None:
    sun = lighter(sky, 0.6)
    x = 0.5 + 0.33 * scene.light
    _shape(canvas, ellipse((x, 0.42), (0.15, 0.15), samples=30), sun, mix(sun, ground, 0.6))
    far = mix(ground, (70, 50, 100), 0.35)
    hills = spline(
        [(-0.1, 0.74), (0.1, 0.62), (0.3, 0.7), (0.5, 0.64), (0.75, 0.7), (0.92, 0.58), (1.1, 0.7)],
        samples=5,
    )
    canvas.fill(np.concatenate([hills, [(1.1, 1.1), (-0.1, 1.1)]]), far, None)
    canvas.stroke(hills, mix(far, (30, 20, 50), 0.5), 0.6, "even")
    for y in (0.12, 0.22):
        x0 = 0.6 * rng.random()
        canvas.stroke(
            bezier((x0, y), (x0 + 0.2, y - 0.01), (x0 + 0.4, y + 0.01), 6),
            lighter(sky, 0.4),
            1.2,
            "brush",
        )


def _petals(scene, artist, canvas, rng, sky, ground) -> None:
    pink = tone((255, 170, 190), artist)
    for x, y in _scatter(rng, 15):
        angle, size = 6.28 * rng.random(), 0.022 + 0.02 * rng.random()
        shape = spline(
            [(0, -1.0), (0.6, -0.2), (0.25, 0.9), (0, 0.65), (-0.25, 0.9), (-0.6, -0.2)],
            closed=True,
            samples=3,
        )
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        _shape(canvas, shape @ turn * size + (x, y), pink.base, pink.line)


def _stars(scene, artist, canvas, rng, sky, ground) -> None:
    gold = tone((255, 236, 160), artist)
    for number, (x, y) in enumerate(_scatter(rng, 18)):
        size = 0.03 if number % 3 == 0 else 0.014
        angle = np.arange(8) * np.pi / 4
        radius = np.where(np.arange(8) % 2, 0.36, 1.0) * size
        _shape(
            canvas,
            np.stack([np.sin(angle) * radius, np.cos(angle) * radius], axis=1) + (x, y),
            gold.base,
            gold.line,
            0.45,
        )


def _window(scene, artist, canvas, rng, sky, ground) -> None:
    wall = mix(sky, grade((214, 180, 150), artist), 0.4)
    canvas.fill(np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64), wall, None)
    glass, frame = grade((196, 226, 246), artist), grade((250, 244, 236), artist)
    line = mix(wall, (60, 40, 40), 0.6)
    x = 0.05 if scene.light > 0 else 0.55
    for corner, inset, colour in (((x - 0.02, 0.04), 0.0, frame), ((x, 0.06), 0.02, glass)):
        x0, y0 = corner
        x1, y1 = x0 + 0.44 - 2 * inset, y0 + 0.62 - 2 * inset
        box = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        canvas.fill(box, colour, None)
        for a, b in zip(box, np.roll(box, -1, axis=0), strict=True):
            canvas.stroke(np.linspace(a, b, 3), line, 0.7, "even")
    for a, b in (((x + 0.2, 0.06), (x + 0.2, 0.64)), ((x, 0.34), (x + 0.4, 0.34))):
        canvas.stroke(np.linspace(a, b, 3), line, 1.2, "even")


def _bubbles(scene, artist, canvas, rng, sky, ground) -> None:
    for x, y in _scatter(rng, 12):
        radius = 0.025 + 0.06 * rng.random()
        pale = lighter(mix(sky, ground, y), 0.4)
        _shape(canvas, ellipse((x, y), (radius, radius), samples=22), pale, lighter(sky, 0.75))
        canvas.fill(
            ellipse(
                (x - 0.35 * radius, y - 0.35 * radius), (0.25 * radius, 0.18 * radius), samples=8
            ),
            (255, 255, 255),
            None,
            hides=False,
        )


def _leaves(scene, artist, canvas, rng, sky, ground) -> None:
    green = tone((126, 176, 104), artist)
    for number, (x, y) in enumerate(_scatter(rng, 14)):
        angle, size = 6.28 * rng.random(), 0.05 + 0.03 * rng.random()
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        leaf = np.concatenate(
            [bezier((0, -1), (0.75, 0), (0, 1), 7), bezier((0, 1), (-0.75, 0), (0, -1), 7)]
        )
        _shape(
            canvas,
            leaf @ turn * size + (x, y),
            green.base if number % 2 else green.shade,
            green.line,
        )
        canvas.stroke(
            np.linspace((0, -0.7), (0, 0.8), 3) @ turn * size + (x, y), green.line, 0.4, "brush"
        )
