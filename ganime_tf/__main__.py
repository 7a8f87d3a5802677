"""`python -m ganime_tf` is `ganime`."""

import sys

from ganime_tf.cli import main

if __name__ == "__main__":
    sys.exit(main())
