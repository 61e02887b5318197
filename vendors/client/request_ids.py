"""Read the vendor's own id of a request, which its support asks for.

Sources: AWS's common response headers, and the `requestId` element of EC2's responses. Cloudflare, in front of many
APIs (Lambda's and RunPod's among them), sets `cf-ray`. The other header names are conventions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from xml.etree.ElementTree import Element

from vendors.parse.fields import local_name

_HEADERS: Final = ("x-amzn-requestid", "x-amz-request-id", "x-request-id", "request-id", "cf-ray")
_ELEMENT: Final = "requestId"
_PLAUSIBLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


def request_id(headers: Mapping[str, str], payload: object, secrets: Iterable[str]) -> str | None:
    """Return the first plausible request id that contains no secret. Header names must be lower case."""
    all_secrets = tuple(secrets)
    for candidate in _candidates(headers, payload):
        if _PLAUSIBLE.fullmatch(candidate) and not any(secret in candidate for secret in all_secrets):
            return candidate
    return None


def _candidates(headers: Mapping[str, str], payload: object) -> Iterator[str]:
    yield from (headers[name].strip() for name in _HEADERS if name in headers)
    if isinstance(payload, Element):
        yield from ((child.text or "").strip() for child in payload if local_name(child) == _ELEMENT)
