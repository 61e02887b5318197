"""From bytes to JSON values or an XML root, strictly and within bounds. Knows no sockets."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Final, Literal, NoReturn
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from domain.errors import MalformedAnswer

_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_PLAIN: Final = ("", "identity")
_GZIP: Final = ("gzip", "x-gzip")


class _Inflater:
    """Unpacks gzip, never beyond a limit: a small body may hold gigabytes."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._stream = zlib.decompressobj(_GZIP_WINDOW)

    def feed(self, chunk: bytes) -> bytes:
        """What the chunk unpacks to. Raises MalformedAnswer where it is no gzip or too large."""
        parts = []
        while chunk:
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_WINDOW)
            try:
                part = self._stream.decompress(chunk, self._left + 1)
            except zlib.error:
                raise MalformedAnswer("the body is not in the encoding that its headers tell.") from None
            self._left -= len(part)
            if self._left < 0:
                raise MalformedAnswer("the body unpacks to more than the size limit.")
            parts.append(part)
            chunk = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return b"".join(parts)

    def finish(self) -> None:
        """Raises MalformedAnswer where the body was cut."""
        if not self._stream.eof:
            raise MalformedAnswer("the packed body was cut.")


async def bounded(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> bytes:
    """The whole body, unpacked, of at most `limit` bytes. Stops reading beyond it with MalformedAnswer."""
    word = encoding.strip().lower()
    if word not in _PLAIN + _GZIP:
        raise MalformedAnswer("the body has an encoding that was not asked for.")
    inflater = _Inflater(limit) if word in _GZIP else None
    body = bytearray()
    async for chunk in chunks:
        body += inflater.feed(chunk) if inflater else chunk
        if len(body) > limit:
            raise MalformedAnswer("the body is larger than the size limit.")
    if inflater:
        inflater.finish()
    return bytes(body)


async def beginning(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> str:
    """The first `limit` bytes of an error's body as text, as far as they can be read."""
    body = bytearray()
    inflater = _Inflater(limit) if encoding.strip().lower() in _GZIP else None
    try:
        async for chunk in chunks:
            body += inflater.feed(chunk) if inflater else chunk
            if len(body) > limit:
                break
    except MalformedAnswer:
        return ""
    return bytes(body[:limit]).decode("utf-8", errors="replace")


def decode(body: bytes, expects: Literal["json", "xml"]) -> object:
    """JSON values, or an XML root element. Raises MalformedAnswer for anything else."""
    return _json(body) if expects == "json" else _xml(body)


def _json(body: bytes) -> object:
    try:
        value: object = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise MalformedAnswer("the body is not UTF-8.") from None
    except RecursionError:
        raise MalformedAnswer("the JSON is nested too deeply.") from None
    except ValueError:
        # Also of json: cut text, NaN, and integers of thousands of digits.
        raise MalformedAnswer(f"the body is not JSON{_guess(body)}.") from None
    return value


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _xml(body: bytes) -> object:
    try:
        root: object = SafeTree.fromstring(body, forbid_dtd=True)
    except RecursionError:
        raise MalformedAnswer("the XML is nested too deeply.") from None
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        # LookupError and ValueError: an encoding that Python does not know, or that expat cannot read.
        raise MalformedAnswer(f"the body is not well-formed XML without a DTD{_guess(body)}.") from None
    return root


def _guess(body: bytes) -> str:
    head = body[:512].lstrip().lower()
    if not head:
        return " (it is empty)"
    return " (it looks like a web page)" if head.startswith((b"<!doctype html", b"<html")) else ""
