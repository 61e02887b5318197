"""References to secrets. A secret is never in the configuration: `env:NAME` or `file:PATH` says where it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

LONGEST: Final = 65_536
"""Bytes of a secret's file at most: whoever names a larger one named the wrong file."""


class BadSecret(ValueError):
    """A reference that cannot be honoured. The text never repeats what was written, which may be the secret itself."""


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is: the name of an environment variable, or the path of a file."""

    source: Literal["env", "file"]
    place: str


def parse_reference(text: object) -> SecretReference:
    """The reference of a text. Raises BadSecret on any other text, which it takes for a credential written out."""
    if isinstance(text, str):
        source, colon, place = text.partition(":")
        if colon and place.strip() == place and place and place.isprintable():
            if source == "env" and not {"=", " "} & set(place):
                return SecretReference("env", place)
            if source == "file":
                return SecretReference("file", place)
    raise BadSecret(
        'a credential is written out; put it into the environment or a file, and write "env:NAME" or "file:PATH" here'
    )


def resolve(reference: SecretReference, environ: Mapping[str, str], folder: Path) -> str:
    """The secret. A relative path starts at `folder`. Raises BadSecret, naming the place and never the content."""
    if reference.source == "env":
        return _checked(environ.get(reference.place, ""), f"the environment variable {reference.place}")
    path = folder / reference.place
    what = f"the file {reference.place}"
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise BadSecret(f"{what} is too large for a secret")
        return _checked(content.decode("utf-8"), what)
    except OSError as error:
        raise BadSecret(f"{what} cannot be read: {os.strerror(error.errno or 0)}") from None
    except UnicodeDecodeError:
        raise BadSecret(f"{what} is no UTF-8 text") from None


def _checked(secret: str, what: str) -> str:
    secret = secret.strip()
    if not secret:
        raise BadSecret(f"{what} is not set, or empty")
    if not secret.isprintable():
        raise BadSecret(f"{what} holds more than one line, or control characters")
    return secret
