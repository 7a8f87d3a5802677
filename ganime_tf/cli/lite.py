"""`ganime translate` where only NumPy, Pillow and a runtime of exports are installed.

The same job with the options that suit `.tflite` and `.onnx` files, read by the standard library:
without tyro, `ganime translate` is this command.
"""

import argparse
import json
import sys
from pathlib import Path

from ganime_tf.inference.pictures import Finish
from ganime_tf.inference.translate import translate_files
from ganime_tf.lite import load


def main(argv: list[str], prog: str) -> int:
    """Translates; returns 1 when a picture had to be skipped."""
    parser = argparse.ArgumentParser(prog, description="Translate pictures by an exported model.")
    parser.add_argument("inputs", nargs="+", help="files, folders and globs; - is standard input")
    parser.add_argument("--model", type=Path, required=True, help="a .tflite or an .onnx file")
    parser.add_argument("-o", "--out", required=True, help="folder, or - for standard output")
    parser.add_argument("--use", help="what the model is to do, by default its first use")
    parser.add_argument("--format", choices=["png", "jpg", "webp", "same"], default="png")
    parser.add_argument("--size", type=int, default=0, help="longest side; 0 keeps it")
    parser.add_argument("--keep-color", action="store_true", help="only the luminance changes")
    parser.add_argument("--blend", type=float, default=1.0, help="share of the result, 0 to 1")
    parser.add_argument("--suffix", default="", help="added to the names of results")
    parser.add_argument("--overwrite", action="store_true", help="replace what no job wrote")
    parser.add_argument("--skip-existing", action="store_true", help="go on with a job")
    parser.add_argument("--json", type=Path, help="file for a report")
    args = parser.parse_args(argv)
    finish = Finish(args.format, args.size, args.keep_color, blend=args.blend, suffix=args.suffix)
    report = translate_files(
        load(args.model),
        args.inputs,
        args.out,
        use=args.use,
        overwrite=args.overwrite,
        skip_existing=args.skip_existing,
        finish=finish,
        tile=0,
    )
    if args.json is not None:
        args.json.write_text(json.dumps(report.describe(), indent=2) + "\n", encoding="utf-8")
    sys.stderr.write(f"Wrote {len(report.written)} picture(s) to {args.out}.\n")
    for path, reason in report.skipped:
        sys.stderr.write(f"Skipped {path}: {reason}\n")
    return 1 if report.skipped else 0
