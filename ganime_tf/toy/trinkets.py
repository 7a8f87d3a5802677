"""Necklaces, earrings and glasses."""

import numpy as np

from ganime_tf.toy.colours import darker, lighter
from ganime_tf.toy.curves import bezier, ellipse, ribbon, spline
from ganime_tf.toy.figure import LABEL, Figure


def draw_jewellery(figure: Figure) -> None:
    """Necklace and earrings."""
    scene, n = figure.scene, figure.build.neck
    gold = figure.tone(scene.jewel)
    if scene.necklace == "choker":
        upper = bezier((n * 1.0, 1.3), (0, 1.52), (-n * 1.0, 1.3), 8)
        band = np.concatenate([upper, (upper + (0, 0.11))[::-1]])
        figure.part([figure.bust(band)], figure.tone((46, 40, 54)), "necklace", 0.6)
        figure.part(
            [figure.bust(ellipse((0, 1.58), (0.06, 0.07), samples=10))], gold, "necklace", 0.6
        )
    elif scene.necklace == "pendant":
        chain = figure.bust(bezier((n * 1.15, 1.5), (0.0, 2.1), (-n * 1.15, 1.5), 12))
        figure.canvas.fill(ribbon(chain, np.full(12, 0.004)), gold.base, LABEL["necklace"])
        figure.line_on(chain, gold, 0.6, "even")
        figure.part(
            [figure.bust(ellipse((0, 1.84), (0.09, 0.11), samples=12))], gold, "necklace", 0.7
        )


def draw_earrings(figure: Figure) -> None:
    """Earrings, over the ears and the side locks."""
    kind = figure.scene.earrings
    if kind == "none":
        return
    gold = figure.tone(figure.scene.jewel)
    y = figure.build.eye_y + 0.44
    for side in (1, -1):
        if side * figure.sine > 0.18:  # the far ear is hidden
            continue

        def at(points, side=side):
            return figure.head(np.asarray(points) * (side, 1), -0.25)

        if kind == "hoop":
            ring = at(ellipse((1.06, y + 0.17), (0.13, 0.16), samples=18))
            ring = np.concatenate([ring, ring[:2]])
            figure.canvas.fill(
                ribbon(ring, np.full(len(ring), 0.0055)), gold.base, LABEL["earring"], hides=False
            )
            figure.line_on(ring, gold, 0.7, "even")
        else:
            figure.part(
                [at(ellipse((1.05, y + 0.02), (0.06, 0.06), samples=10))], gold, "earring", 0.7
            )
        if kind == "drop":
            drop = spline(
                [(1.05, y + 0.08), (1.13, y + 0.3), (1.05, y + 0.38), (0.97, y + 0.3)],
                closed=True,
                samples=4,
            )
            figure.part([at(drop)], gold, "earring", 0.7)


def draw_glasses(figure: Figure) -> None:
    """Glasses on the nose, under the fringe."""
    scene, build = figure.scene, figure.build
    if scene.glasses == "none":
        return
    tone = figure.tone(scene.frame)
    round_ = scene.glasses == "round"
    w = build.eye_width * (1.28 if not figure.human else 1.55)
    h = max(build.eye_width * build.eye_aspect * 1.12, w * 0.72)
    weight = 0.8 if scene.glasses == "rimless" else 1.5
    cy = build.eye_y + 0.06
    for side in (1, -1):
        if round_:
            lens = ellipse((build.eye_x, cy), (w, max(h, w * 0.95)), samples=30)
        else:
            x0, x1, y0, y1 = build.eye_x - w, build.eye_x + w, cy - h * 0.72, cy + h * 0.95
            lens = spline(
                [
                    (x0 + 0.04, y0),
                    (build.eye_x, y0 - 0.02),
                    (x1, y0),
                    (x1 + 0.01, cy),
                    (x1 - 0.08, y1),
                    (build.eye_x, y1 + 0.03),
                    (x0 + 0.06, y1),
                    (x0, cy),
                ],
                closed=True,
                samples=4,
            )
        lens = figure.face(lens * (side, 1), 0.1)
        loop = np.concatenate([lens, lens[:2]])
        figure.canvas.shade([lens], lighter(tone.base, 0.75), None, 0.16)
        figure.canvas.fill(
            ribbon(loop, np.full(len(loop), 0.006)), None, LABEL["eye_glass"], hides=False
        )
        _frame_line(figure, loop, tone, weight)
        arm = figure.head(
            np.array([(build.eye_x + w - 0.02, cy - 0.1), (0.95, cy - 0.1), (1.08, cy - 0.06)])
            * (side, 1),
            0.6,
        )
        _frame_line(figure, arm, tone, weight * 0.8)
        glint = [(-0.5, -0.1), (0.0, -0.6), (0.2, -0.6), (-0.4, 0.1)]
        glint = figure.face((np.array(glint) * (w, h) + (build.eye_x, cy)) * (side, 1), 0.1)
        figure.canvas.shade([glint], (255, 255, 255), None, 0.3)
    bridge = bezier((build.eye_x - w, cy - 0.03), (0, cy - 0.12), (-build.eye_x + w, cy - 0.03), 7)
    _frame_line(figure, figure.face(bridge, 0.2), tone, weight)


def _frame_line(figure, points, tone, weight) -> None:
    if figure.human:
        figure.canvas.fill(
            ribbon(points, np.full(len(points), 0.0042 * weight)),
            darker(tone.base, 0.45),
            LABEL["eye_glass"],
        )
    else:
        figure.canvas.stroke(points, tone.line, weight, "even")
