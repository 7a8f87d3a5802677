"""The `ganime` command: a table of commands, each a module with `main(argv, prog)`.

Nothing heavy is imported before a command is known, so `ganime --help` answers at once.
"""

import importlib
import os
import sys

from ganime_tf.version import __version__

COMMANDS = {
    "train": ("ganime_tf.cli.train", "train a model, or resume a run"),
    "translate": ("ganime_tf.cli.translate", "translate pictures with a run or an export"),
    "video": ("ganime_tf.cli.video", "translate a video, with its sound"),
    "parse": ("ganime_tf.cli.parse", "name what every pixel of a face shows"),
    "sample": ("ganime_tf.cli.sample", "draw pictures of seeds, paths and mixtures; score them"),
    "project": ("ganime_tf.cli.project", "find the latent of a picture by optimization"),
    "artists": ("ganime_tf.cli.artists", "who draws alike, ways between styles, their scores"),
    "evaluate": ("ganime_tf.cli.evaluate", "compare pictures with the truth, or a model with data"),
    "color": ("ganime_tf.cli.color", "colour line art from hints, on its own lines"),
    "serve": ("ganime_tf.cli.serve", "a web page: drop a sketch, dab colours, see it filled"),
    "compare": ("ganime_tf.cli.compare", "several outputs side by side: table and picture grid"),
    "export": ("ganime_tf.cli.export", "write a run for TensorFlow, Keras, LiteRT or ONNX"),
    "convert": ("ganime_tf.cli.convert", "load weights that other projects released"),
    "models": ("ganime_tf.cli.models", "list models, presets and papers"),
    "style": ("ganime_tf.cli.style", "neural style transfer: Gatys, or fast from TF-Hub"),
    "sweep": ("ganime_tf.cli.sweep", "train a grid of settings and rank them"),
    "prepare": ("ganime_tf.cli.prepare", "scan, split, resize, trace and pack picture sets"),
    "demo": ("ganime_tf.cli.demo", "colour drawings at once, then train, compare and export"),
    "toy": ("ganime_tf.cli.toy", "write the drawn anime world as files"),
}

# What a user can cause; anything else is a defect and shows its traceback.
_USER_ERRORS = (ValueError, TypeError, OSError, ImportError, FloatingPointError)


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = ["usage: ganime COMMAND [options]", "", "Images into, out of and within anime.", ""]
    lines += [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    lines += ["", "ganime COMMAND --help shows the options; --version the version;"]
    lines += ["--debug shows the traceback of an error."]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, 1 on a failed job, 2 on a wrong call."""
    argv = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv
    if not debug:
        # TensorFlow's notes; its errors still come as exceptions.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    argv = [argument for argument in argv if argument != "--debug"]
    if not argv or argv[0] in ("-h", "--help"):
        print(_usage())
        return 0
    if argv[0] in ("-V", "--version"):
        print(f"ganime-tf {__version__}")
        return 0
    if argv[0] not in COMMANDS:
        import difflib

        close = difflib.get_close_matches(argv[0], COMMANDS, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        print(f"ganime: unknown command {argv[0]!r}.{hint}\n\n{_usage()}", file=sys.stderr)
        return 2
    try:
        module = _module_of(argv[0])
        return module.main(argv[1:], f"ganime {argv[0]}") or 0
    except KeyboardInterrupt:
        print("ganime: interrupted", file=sys.stderr)
        return 130
    except _USER_ERRORS as error:
        if debug:
            raise
        message = " ".join(str(error).split())
        print(f"ganime {argv[0]}: error: {message}", file=sys.stderr)
        return 2


def _module_of(command: str):
    """The command's module; translation alone does without what the package needs otherwise."""
    try:
        return importlib.import_module(COMMANDS[command][0])
    except ModuleNotFoundError as error:
        if command != "translate" or error.name != "tyro":
            raise
        return importlib.import_module("ganime_tf.cli.lite")


def start() -> None:
    """What a command does once its options are right: the log, and TensorFlow without its notes."""
    setup_logging()
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "3":  # not with --debug
        _start_tensorflow()


def setup_logging() -> None:
    """Sends the package's log to stderr, plainly."""
    import logging

    class _Stderr(logging.StreamHandler):
        """Writes to what `sys.stderr` is now, not to what it was when the log was set up."""

        stream = property(lambda self: sys.stderr, lambda self, stream: None)

    # TensorFlow names the temporary folders it writes to.
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    logger = logging.getLogger("ganime_tf")
    if not logger.handlers:
        handler = _Stderr()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _start_tensorflow() -> None:
    """Imports TensorFlow without its start-up notes, which no log level stops; shows failures."""
    if "tensorflow" in sys.modules:
        return
    import tempfile

    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()  # the first look for GPUs is noted too
        except BaseException:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
