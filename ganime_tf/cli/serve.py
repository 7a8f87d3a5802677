"""`ganime serve`: the web page and its JSON endpoints."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Serve the colouriser, and other models, as a web page on this machine."""

    model: tuple[Path, ...] = ()
    """Also serve these: run directories, exports, .keras or .tflite files."""
    host: str = "127.0.0.1"
    """Address to listen on. Only this machine can reach the default; 0.0.0.0 is every network."""
    port: Annotated[int, tyro.conf.arg(aliases=["-p"])] = 7860
    """Port; 0 takes a free one."""
    open: bool = False
    """Also open the page in the browser."""
    max_megabytes: float = 20.0
    """Largest file."""
    max_megapixels: float = 36.0
    """Largest picture."""
    max_seconds: float = 60.0
    """Longest computation."""
    at_once: int = 2
    """Computations at the same time."""
    size: int = 320
    """The colours are spread on at most SIZE x SIZE pixels."""
    trust: bool = False
    """Open a SavedModel also when its graph can do more than compute; see docs/security.md."""


def main(argv: list[str], prog: str) -> int:
    """Serves until it is interrupted."""
    args = parse(Args, argv, prog)
    if not 0 <= args.port <= 65535:
        raise ValueError(f"--port must be 0 to 65535. Received {args.port}.")
    if not 32 <= args.size <= 1024:
        raise ValueError(f"--size must be 32 to 1024. Received {args.size}.")
    from ganime_tf.cli import setup_logging

    setup_logging()
    from ganime_tf.serving.limits import Limits
    from ganime_tf.serving.server import Server

    limits = Limits(
        max_bytes=int(args.max_megabytes * 1e6),
        max_pixels=int(args.max_megapixels * 1e6),
        max_seconds=args.max_seconds,
        max_at_once=args.at_once,
    )
    # The socket first, so that a taken port is told before anything is loaded.
    with Server(args.host, args.port, limits, area=args.size) as server:
        server.models = _load(args.model, args.trust)
        print(f"{server.url}  (Ctrl+C ends it)", flush=True)
        if not server.local:
            print("Everyone who reaches this address can use it: there is no password.", flush=True)
        if args.open:
            import webbrowser

            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def _load(paths: tuple[Path, ...], trust: bool) -> dict:
    models = {}
    if paths:
        from ganime_tf.cli import start

        start()
        from ganime_tf.inference import load

        for path in paths:
            name = path.resolve().stem
            while name in models:
                name += "_"
            models[name] = load(path, trust=trust)
    return models
