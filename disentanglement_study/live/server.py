"""A page of a study that runs, served to this machine alone. Nothing that it is asked leads to a file."""

import contextlib
import errno
import json
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from disentanglement_study.errors import one_line
from disentanglement_study.live import page
from disentanglement_study.live.look import Look, Looking
from disentanglement_study.live.parts import parts
from disentanglement_study.store import Store

ADDRESS = "127.0.0.1"
# A page elsewhere whose name is made to lead here is shown nothing. Ports differ through a tunnel.
HOSTS = ("127.0.0.1", "localhost")
FRESH_SECONDS = 2.0  # that a look serves all who ask
REST = 5.0  # times as long as a look took, until the next: who looks takes little from who works
SILENT_SECONDS = 30.0  # after which a connection is closed that asks for nothing


class Server(ThreadingHTTPServer):
    """Serves the page of a study on a port of the loopback interface (0: one that is free)."""

    daemon_threads = True

    def __init__(self, store: Store, port: int = 0):
        """ValueError if the port cannot be had."""
        self.root, self._looking = store.root, Looking(store)
        self._lock, self._next = threading.Lock(), 0.0
        self._seen: Look | str | None = None
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            free = "choose another, or leave out --port to get a free one"
            why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({one_line(error.strerror)})"
            raise ValueError(f"port {port} {why}: {free}") from error
        self.url = f"http://{ADDRESS}:{self.server_address[1]}/"
        self.page = page.page(store.root, self.server_address[1])

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # that of HTTP asks for this machine's name, which may take long

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):  # a browser that went away
            super().handle_error(request, client_address)

    def now(self, score: str | None) -> dict:
        """What the page shows now. {"error": ...} in one line if the study cannot be read."""
        with self._lock:
            if time.monotonic() >= self._next:
                began = time.monotonic()
                try:
                    self._seen = self._looking.look()
                except Exception as error:  # whatever is in the folder, the page stays there and says it
                    kind = "" if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: "
                    self._seen = kind + one_line(error)
                ended = time.monotonic()
                self._next = ended + max(FRESH_SECONDS, REST * (ended - began))
            seen, wait = self._seen, max(self._next - time.monotonic(), FRESH_SECONDS)
        shown = parts(seen, self.root, score) if isinstance(seen, Look) else {"error": seen}
        return shown | {"again": wait}


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = SILENT_SECONDS

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").rpartition(":")
        if (host[0] or host[2]).lower() not in HOSTS:
            return self._answer(HTTPStatus.FORBIDDEN, "text/plain", "Open the page as 127.0.0.1 or localhost.\n")
        asked = urlsplit(self.path)
        if asked.path == "/":
            return self._answer(HTTPStatus.OK, "text/html", self.server.page.text, self.server.page.policy)
        if asked.path == "/now":
            shown = self.server.now(parse_qs(asked.query).get("score", [None])[0])
            return self._answer(HTTPStatus.OK, "application/json", json.dumps(shown, allow_nan=False))
        return self._answer(HTTPStatus.NOT_FOUND, "text/plain", "Not found: the only page is /.\n")

    def _answer(self, status: HTTPStatus, kind: str, text: str, policy: str = "default-src 'none'") -> None:
        content = text.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        return "disentanglement-study"

    def log_message(self, *_: object) -> None:
        """Who looks is not news."""


def serve(store: Store, port: int = 0, begins: Callable[[str], None] = print) -> None:
    """Serves the page until Ctrl-C; `begins` is called with its address. ValueError if the port cannot be had."""
    with contextlib.suppress(KeyboardInterrupt), Server(store, port) as server:
        begins(server.url)
        server.serve_forever()
