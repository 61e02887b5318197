"""References to secrets. The configuration never contains a secret: `env:NAME` or `file:PATH` says where it is stored."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

LONGEST: Final = 65_536
"""Maximum size of a secret's file in bytes. A larger file is probably not the intended one."""


class BadSecret(ValueError):
    """A reference that cannot be resolved. The text never repeats the reference, which may be the secret itself."""


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is stored: the name of an environment variable, or the path of a file."""

    source: Literal["env", "file"]
    place: str


def parse_reference(text: object) -> SecretReference:
    """Parse `env:NAME` or `file:PATH`. Raises BadSecret for any other text, because it may be the credential itself."""
    if isinstance(text, str):
        source, colon, place = text.partition(":")
        if colon and place.strip() == place and place and place.isprintable():
            if source == "env" and not {"=", " "} & set(place):
                return SecretReference("env", place)
            if source == "file":
                return SecretReference("file", place)
    raise BadSecret(
        "credentials must not be written into the configuration; "
        'store this one in an environment variable or a file, and write "env:NAME" or "file:PATH" here'
    )


def resolve(reference: SecretReference, environ: Mapping[str, str], folder: Path) -> str:
    """Return the secret. A relative path starts at `folder`.

    Raises BadSecret, which names the variable or file and never its content.
    """
    if reference.source == "env":
        return _check(environ.get(reference.place, ""), f"the environment variable {reference.place}")
    path = folder / reference.place
    label = f"the file {reference.place}"
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise BadSecret(f"{label} is larger than {LONGEST} bytes; check that it is the right file")
        return _check(content.decode("utf-8"), label)
    except OSError as error:
        raise BadSecret(f"{label} cannot be read: {os.strerror(error.errno or 0)}") from None
    except UnicodeDecodeError:
        raise BadSecret(f"{label} is not UTF-8 text; check that it is the right file") from None


def _check(secret: str, label: str) -> str:
    """Return the secret without surrounding whitespace. Raises BadSecret if it is empty or has several lines."""
    secret = secret.strip()
    if not secret:
        raise BadSecret(f"{label} is not set or is empty")
    if not secret.isprintable():
        raise BadSecret(f"{label} contains several lines or control characters; it must contain only the secret")
    return secret
