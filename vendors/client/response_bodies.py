"""Read and decode response bodies, strictly and within size limits. Pure except for the byte stream it is given."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Final, Literal, NoReturn
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree

from domain.errors import MalformedAnswer
from vendors.client.intermediaries import is_web_page

_WEB_PAGE_CURE: Final = (
    "a proxy, a login page or the vendor's maintenance answered; check the network and the account's endpoint"
)
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_PLAIN: Final = ("", "identity")
_GZIP: Final = ("gzip", "x-gzip")


class _GzipDecoder:
    """Decompresses gzip up to a size limit, because a small body may decompress to gigabytes."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._stream = zlib.decompressobj(_GZIP_WINDOW)

    def feed(self, chunk: bytes) -> bytes:
        """Return what the chunk decompresses to. Raise MalformedAnswer if it is not gzip or is too large."""
        parts = []
        while chunk:
            if self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_WINDOW)
            try:
                part = self._stream.decompress(chunk, self._left + 1)
            except zlib.error:
                raise MalformedAnswer("the body does not have the encoding that its headers declare.") from None
            self._left -= len(part)
            if self._left < 0:
                raise MalformedAnswer(
                    "the decompressed body is larger than the account's max_answer_mb; raise that setting."
                )
            parts.append(part)
            chunk = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return b"".join(parts)

    def finish(self) -> None:
        """Raise MalformedAnswer if the body was truncated."""
        if not self._stream.eof:
            raise MalformedAnswer("the compressed body is truncated.")


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> bytes:
    """Return the whole decompressed body. Stop reading and raise MalformedAnswer once it exceeds `limit` bytes."""
    content_encoding = encoding.strip().lower()
    if content_encoding not in _PLAIN + _GZIP:
        raise MalformedAnswer("the body has an encoding that was not requested.")
    decoder = _GzipDecoder(limit) if content_encoding in _GZIP else None
    body = bytearray()
    async for chunk in chunks:
        body += decoder.feed(chunk) if decoder else chunk
        if len(body) > limit:
            raise MalformedAnswer("the body is larger than the account's max_answer_mb; raise that setting.")
    if decoder:
        decoder.finish()
    return bytes(body)


async def read_error_text(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> str:
    """Return the first `limit` bytes of an error's body as text; an empty text if it cannot be decompressed."""
    body = bytearray()
    decoder = _GzipDecoder(limit) if encoding.strip().lower() in _GZIP else None
    try:
        async for chunk in chunks:
            body += decoder.feed(chunk) if decoder else chunk
            if len(body) > limit:
                break
    except MalformedAnswer:
        return ""
    return bytes(body[:limit]).decode("utf-8", errors="replace")


def decode_body(body: bytes, expects: Literal["json", "xml"]) -> object:
    """Return JSON values or an XML root element. Raise MalformedAnswer for anything else."""
    return _decode_json(body) if expects == "json" else _decode_xml(body)


def _decode_json(body: bytes) -> object:
    try:
        value: object = json.loads(body.decode("utf-8"), parse_constant=_reject_constant)
    except UnicodeDecodeError:
        raise MalformedAnswer("the body is not UTF-8.") from None
    except RecursionError:
        raise MalformedAnswer("the JSON is nested too deeply.") from None
    except ValueError:
        # `json` raises it for truncated text, and for NaN and integers of thousands of digits too.
        raise MalformedAnswer(f"the body is not JSON{_describe(body)}.") from None
    return value


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _decode_xml(body: bytes) -> object:
    try:
        root: object = SafeTree.fromstring(body, forbid_dtd=True)
    except RecursionError:
        raise MalformedAnswer("the XML is nested too deeply.") from None
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        # LookupError and ValueError: an encoding that Python does not know, or that expat cannot read.
        raise MalformedAnswer(f"the body is not well-formed XML without a DTD{_describe(body)}.") from None
    return root


def _describe(body: bytes) -> str:
    """Return a remark for the error message if the body is empty or looks like HTML."""
    if not body.strip():
        return " (it is empty)"
    page = is_web_page(body[:2048].decode("utf-8", errors="replace"))
    return f" but a web page: {_WEB_PAGE_CURE}" if page else ""
