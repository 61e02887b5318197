"""The limit of the HTTP server: `supplygraph serve` itself, with an application that answers a constant body.

`python -m benchmarks.peers.constant_body serve --config FILE`. The process, its event loop, the settings of uvicorn, logging
and garbage collection are those of the command; only the application is another one. A PUT to `/` sets the body; every other
request is answered with it: nothing is parsed, nobody is authenticated, no database is read.
"""

from __future__ import annotations

from typing import Any, Final
from unittest.mock import patch

from supplygraph import serve
from supplygraph.cli.main import main

_CONTENT_TYPE: Final = (b"content-type", b"application/json")


class ConstantBody:
    """The application."""

    def __init__(self) -> None:
        self._set_body(b"{}")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        message = await receive()
        if scope["method"] == "PUT":
            self._set_body(message["body"])
        await send(self._start)
        await send(self._end)

    def _set_body(self, body: bytes) -> None:
        headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(body))]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}
        self._end = {"type": "http.response.body", "body": body}


if __name__ == "__main__":
    with patch.object(serve, "Application", lambda *_arguments, **_options: ConstantBody()):
        main()
