"""The HTTP server: routes, and what a request must be before anything is computed for it."""

import http.server
import json
import logging
import os
import re
import socket as sockets
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ganime_tf.serving import api
from ganime_tf.serving.limits import Limits, RefusedError, Turns
from ganime_tf.serving.pages import Pages
from ganime_tf.version import __version__

logger = logging.getLogger(__name__)

_STATIC = Path(__file__).parent / "static"
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/models.js": ("models.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_LOCAL = ("127.0.0.1", "localhost", "::1")
_HEADERS = {
    # The page runs its own scripts only and asks no other server for anything.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_MAX_JSON = 4_000_000  # bytes of hints
_IDLE = 20.0  # seconds that a connection may say nothing


class Server(http.server.ThreadingHTTPServer):
    """The web page and its endpoints.

    Args:
        host: Address to listen on.
        port: Port; 0 takes a free one.
        limits: What a request may cost.
        models: Runners by name, for `/api/models`.
        area: The page's colours are spread on at most `area**2` pixels.

    Raises:
        OSError: When the address is taken or is none of this machine.
    """

    daemon_threads = True

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        models: Mapping | None = None,
        area: int = 320,
    ):
        self.limits = limits or Limits()
        self.models = dict(models or {})
        self.turns = Turns(self.limits)
        self.pages = Pages(self.limits, area)
        self.local = host in _LOCAL
        self.address_family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
        self._free = threading.BoundedSemaphore(self.limits.max_connections)
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise OSError(
                f"{host}:{port}: {error.strerror or error}. Choose another --port."
            ) from error

    def server_bind(self):
        """Binds without asking a name server for the machine's name, which can take seconds."""
        # On Windows the option would let two servers share a port.
        self.allow_reuse_address = os.name != "nt"
        http.server.socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request, client_address):
        """Starts a thread for a connection, or closes it when there are too many."""
        if not self._free.acquire(blocking=False):
            return self.shutdown_request(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request, client_address):
        """Serves a connection, then counts it out."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request, client_address):
        """A visitor who leaves early is no error; others are logged."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            logger.exception("A request failed.")

    @property
    def url(self) -> str:
        """Where the page is."""
        host, port = self.server_address[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = f"ganime/{__version__}", ""
    timeout = _IDLE
    disable_nagle_algorithm = True
    server: Server
    _expected = False

    def do_GET(self):  # noqa: N802
        self._serve(self._get)

    def do_POST(self):  # noqa: N802
        self._serve(self._post)

    def _serve(self, answer):
        self._read = False
        try:
            self._check_sender()
            content, kind = answer(urlsplit(self.path).path)
            status = 200
        except RefusedError as error:
            content, kind, status = {"error": str(error)}, "application/json", error.status
        except (ConnectionError, TimeoutError):
            self.close_connection = True
            return
        except Exception:
            logger.exception("A request failed.")
            content = {"error": "Something failed in the server; its log says what."}
            kind, status = "application/json", 500
        if isinstance(content, dict):
            content = json.dumps(content).encode()
        unread = self.command == "POST" and not self._read
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if unread:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        if unread:
            self._drain()

    def _check_sender(self):
        """Refuses what a page of somebody else makes the visitor's browser send."""
        host = self.headers.get("Host", "")
        name = re.sub(r":\d+$", "", host).strip("[]")
        if self.server.local and name not in _LOCAL:  # a foreign name that leads to this machine
            raise RefusedError("This server answers to 127.0.0.1 and localhost only.", 403)
        origin = self.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise RefusedError("Requests of other pages are not answered.", 403)

    def _get(self, path: str):
        server = self.server
        if path in _FILES:  # a table: no part of an address becomes a path
            name, kind = _FILES[path]
            return (_STATIC / name).read_bytes(), kind
        if path == "/api":
            limits = server.limits
            return {
                "version": __version__,
                "max_bytes": limits.max_bytes,
                "max_pixels": limits.max_pixels,
                "examples": api.NUM_EXAMPLES,
                "formats": list(api.FORMATS),
                "models": list(server.models),
            }, "application/json"
        if path == "/api/models":
            from ganime_tf.serving.models import describe

            described = {name: describe(model) for name, model in server.models.items()}
            return described, "application/json"
        if found := re.fullmatch(r"/api/examples/(\d)", path):
            if (number := int(found[1])) < api.NUM_EXAMPLES:
                return server.turns.run(api.example, number), "image/png"
        if found := re.fullmatch(r"/api/pages/([\w-]{1,64})/lineart", path):
            return server.turns.run(server.pages[found[1]].lineart), "image/png"
        raise RefusedError(f"There is nothing at {path[:100]}.", 404)

    def _post(self, path: str):
        run, limits, pages = self.server.turns.run, self.server.limits, self.server.pages
        json_type = "application/json"
        if path == "/api/pages":
            return run(api.open_page, self._body(), pages, limits), json_type
        if path == "/api/palette":
            return run(api.sheet_colours, self._body(), limits), json_type
        if found := re.fullmatch(r"/api/pages/([\w-]{1,64})/(preview|result)", path):
            body = self._json(_MAX_JSON)
            if found[2] == "preview":
                return run(api.preview, body, found[1], pages), "image/png"
            return run(api.result, body, found[1], pages)
        most = limits.max_bytes * 4 // 3 + _MAX_JSON  # base64, and the rest of the body
        if found := re.fullmatch(r"/api/pages/([\w-]{1,64})/sheet", path):
            return run(api.from_sheet, self._json(most), found[1], pages, limits), json_type
        if path == "/api/color":
            return run(api.color, self._json(most), limits), json_type
        if found := re.fullmatch(r"/api/models/([^/]+)", path):
            from ganime_tf.serving.models import run_model

            models = self.server.models
            if (name := unquote(found[1])) not in models:
                known = ", ".join(models) or "none"
                raise RefusedError(f"No model {name[:100]!r}. Models: {known}.", 404)
            return run(run_model, self._json(most), models[name], limits), json_type
        raise RefusedError(f"There is nothing at {path[:100]}.", 404)

    def _length(self, most: int) -> int:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,18}", length) or "Transfer-Encoding" in self.headers:
            raise RefusedError("The request needs a Content-Length.", 411)
        if int(length) > most:
            raise RefusedError(
                f"The request has {int(length) / 1e6:.3g} MB; this server takes at most "
                f"{most / 1e6:.3g} MB.",
                413,
            )
        return int(length)

    def _body(self, most: int | None = None) -> bytes:
        left = self._length(self.server.limits.max_bytes if most is None else most)
        if self._expected:
            self.send_response_only(100)
            self.end_headers()
        parts, end = [], time.monotonic() + self.server.limits.max_seconds
        while left:
            part = self.rfile.read1(min(left, 1 << 16))
            if not part:
                raise ConnectionResetError
            if time.monotonic() > end:  # one byte now and then is not an upload
                raise TimeoutError
            parts.append(part)
            left -= len(part)
        self._read, self._expected = True, False
        return b"".join(parts)

    def _json(self, most: int):
        try:
            return json.loads(self._body(most))
        except (ValueError, RecursionError):
            raise RefusedError("The body is not JSON.") from None

    def handle_expect_100(self):
        """The sender waits to be asked for the body: `_body` does, once the headers are right."""
        self._expected = True
        return True

    def _drain(self):
        """Reads on for a moment: a sender who is cut off while sending never sees the answer."""
        self.close_connection = True
        self.wfile.flush()
        end, left = time.monotonic() + 5, 100_000_000
        self.connection.settimeout(1)
        try:
            while left > 0 and time.monotonic() < end and (part := self.rfile.read1(1 << 16)):
                left -= len(part)
        except OSError:
            pass

    def log_message(self, format, *args):
        """Requests are not logged: a page is nobody else's business."""
