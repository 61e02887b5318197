"""moto's server in a process of its own, so that its state, threads and warnings do not affect the tests."""

from __future__ import annotations

import threading

from moto.server import ThreadedMotoServer


def main() -> None:
    """Serve on an ephemeral port of loopback until stopped; print the port on one line."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    print(f"ready on {port}", flush=True)  # noqa: T201 - the parent process reads it
    threading.Event().wait()


if __name__ == "__main__":
    main()
