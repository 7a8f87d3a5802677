"""`ganime video`: a video through a model, frame by frame, with its sound."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Translate a video; sound, frame times and rotation stay as they are.

    The same command goes on where a killed one stopped. Needs PyAV, and OpenCV for --smooth:
    pip install "ganime-tf[video]". h264 and h265 are encoded by x264 and x265, which are under the
    GPL; vp9 and av1 are free for any purpose.
    """

    source: Annotated[Path, tyro.conf.Positional]
    """The video, any container that FFmpeg reads."""
    model: Path
    """A run directory, an export, a .keras, a .tflite or an .onnx file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The result; .mp4, .webm, .mkv and others."""
    codec: Literal["vp9", "av1", "h264", "h265", "ffv1"] = "vp9"
    """Of the picture; ffv1 loses nothing (in .mkv)."""
    smooth: float = 0.0
    """Strength against flicker, 0 to below 1: results are blended along the motion."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    trust: bool = False
    """Open a SavedModel also when its graph can do more than compute; see docs/security.md."""
    use: str | None = None
    """What the model is to do, e.g. reverse (b to a)."""
    size: int = 0
    """Longest side of the result; 0 keeps the video's."""
    keep_color: bool = False
    """Keep the video's colours: only the luminance is the network's."""
    blend: float = 1.0
    """Share of the network's result, 0 to 1."""
    tile: int | None = None
    """Side of tiles, as for translate."""
    segment: int = 48
    """Frames between two points where a killed job goes on."""
    overwrite: bool = False
    """Replace a result that is there."""
    json: Path | None = None
    """File for a report."""


def main(argv: list[str], prog: str) -> int:
    """Translates; returns 1 when frames had to be bridged."""
    args = parse(Args, argv, prog)
    from ganime_tf.inference.pictures import Finish

    finish = Finish(size=args.size, keep_color=args.keep_color, blend=args.blend)
    from ganime_tf.cli import setup_logging, start

    if args.model.suffix in (".onnx", ".tflite"):
        setup_logging()  # these need no TensorFlow
    else:
        start()
    from ganime_tf.inference.clips import GPL
    from ganime_tf.inference.load import load
    from ganime_tf.inference.video import translate_video

    report = translate_video(
        load(args.model, args.checkpoint, args.trust),
        args.source,
        args.out,
        use=args.use,
        codec=args.codec,
        smooth=args.smooth,
        segment=args.segment,
        overwrite=args.overwrite,
        finish=finish,
        tile=args.tile,
    )
    if args.json is not None:
        from ganime_tf.ops.files import write_json

        write_json(args.json, dataclasses.asdict(report))
    print(f"Wrote {report.path}, {report.frames} frames.")
    if report.resumed:
        print(f"{report.resumed} of them were there from an interrupted job.")
    if report.warping_error:
        before, after = report.warping_error
        print(f"Warping error {before:.2f} before, {after:.2f} after smoothing, of 255 levels.")
    if args.codec in GPL:
        print(f"{args.codec} was encoded by a library under the GPL.")
    if report.bridged:
        print(
            f"Bridged {len(report.bridged)} bad frame(s), the first at {report.bridged[0]:.2f} s."
        )
    return 1 if report.bridged else 0
