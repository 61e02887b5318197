"""Serve a Python peer: uvicorn in one process, uvloop and httptools, no access log, on a free port that is printed."""

from __future__ import annotations

import socket
from typing import Any, Final

import uvicorn

_BACKLOG: Final = 2_048


def serve_app(app: Any) -> None:
    """Serve an ASGI application until a signal."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(_BACKLOG)
        config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning", ws="none")
        print(f"ready at http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])
