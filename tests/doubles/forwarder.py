"""A proxy between the code under test and a double: it adds headers, changes the base path, and records the paths."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OWN = ("connection", "keep-alive", "transfer-encoding", "content-length", "server", "date")


@dataclass(slots=True)
class Forwarding:
    """The treatment of each request; it may be changed while the proxy runs.

    `headers` are added to the request. `strip` is removed from the start of its path, then `prepend` is put before it.
    `passed` are the received paths, in order. `refused` are the beginnings of the bodies of error responses.
    """

    address: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    strip: str = ""
    prepend: str = ""
    passed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@contextmanager
def forwarding(target: str) -> Iterator[Forwarding]:
    """Forward to the address of another double, on loopback."""
    rules = Forwarding()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(target, rules))
    server.daemon_threads = True
    rules.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield rules
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(target: str, rules: Forwarding) -> type[BaseHTTPRequestHandler]:
    host = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def _forward(self) -> None:
            rules.passed.append(self.path)
            path = rules.prepend + self.path.removeprefix(rules.strip)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")
            }
            upstream = HTTPConnection(host, timeout=30)
            try:
                upstream.request(self.command, path, body or None, headers | rules.headers)
                answer = upstream.getresponse()
                content = answer.read()
            finally:
                upstream.close()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                rules.refused.append(content[:2000].decode(errors="replace"))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OWN:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _forward  # noqa: N815 - http.server calls them by these names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
            """Log nothing."""

    return Handler
