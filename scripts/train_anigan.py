"""Trains AniGAN (faces in the style of a reference): `ganime train anigan` from a checkout."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ganime_tf.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(["train", "anigan", *sys.argv[1:]]))
