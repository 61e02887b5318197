"""What a vendor calls a request of ours: the word that its support asks for.

Sources: AWS's common response headers and the `requestId` element of EC2's answers; Cloudflare, in front of many APIs
(Lambda's and RunPod's among them), sets `cf-ray`; the rest is custom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from vendors.parse.fields import local_name

_HEADERS: Final = ("x-amzn-requestid", "x-amz-request-id", "x-request-id", "request-id", "cf-ray")
_ELEMENT: Final = "requestId"
_POSSIBLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


def request_id(headers: Mapping[str, str], payload: object, secrets: Iterable[str]) -> str | None:
    """The first that could be one. Header names are lower case; what holds a secret is none."""
    kept = tuple(secrets)
    for told in _candidates(headers, payload):
        if _POSSIBLE.fullmatch(told) and not any(secret in told for secret in kept):
            return told
    return None


def _candidates(headers: Mapping[str, str], payload: object) -> Iterator[str]:
    yield from (headers[name].strip() for name in _HEADERS if name in headers)
    if isinstance(payload, Element):
        yield from ((child.text or "").strip() for child in payload if local_name(child) == _ELEMENT)
