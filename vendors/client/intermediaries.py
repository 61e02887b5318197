"""Recognizes responses that do not come from the cloud's API: a filter, a proxy, a login page or a captive portal sent them.

A refusal by one of these says nothing about the credentials. No text contains a URL, a header or a part of a body; the
host of a redirect is the only part of a response that is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import urljoin, urlsplit

from domain.errors import MalformedAnswer, Unreachable, VendorFailure

_WEB_PAGE: Final = re.compile(r"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_CLOUDFLARE_CODE: Final = re.compile(r"\s*error code: (1\d{3})\b", re.IGNORECASE)
"""The body with which Cloudflare refuses programs ("Cloudflare 1xxx errors")"""
_FILTER_HEADERS: Final = ("cf-mitigated", "x-amzn-waf-action")
"""Set on a challenge page by Cloudflare ("Detect a Challenge Page response") and by AWS WAF ("CAPTCHA and Challenge")."""
_LOGIN: Final = re.compile(r"log-?in|sign-?in|sso|saml|oauth|auth|captive|portal|splash|hotspot", re.IGNORECASE)
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,80}")

PROXY_AUTHENTICATION: Final = (
    "the proxy wants credentials; put them into HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT), "
    "or name the host in NO_PROXY"
)
"""The cause and the cure of a 407."""
_FILTERED: Final = (
    "a filter in front of the cloud refused the call, not the cloud itself, and the key was not judged; "
    "call from another address, or ask the vendor or the network's administrator to allow this one."
)
_REFUSALS: Final[Mapping[int, str]] = MappingProxyType({
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: PROXY_AUTHENTICATION,
    HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED: "the network wants a login first; log in, or use another network",
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: (
        "refused for legal reasons: the cloud or the network does not serve this place; "
        "call from another one, for example through a proxy"
    ),
})  # fmt: skip


class Intercepted(Unreachable):
    """The call was refused by something in front of the cloud's API. Sending it again at once does not help."""


def is_web_page(text: str) -> bool:
    """Return whether a body begins like an HTML page, which no API of a cloud sends."""
    return _WEB_PAGE.match(text[:2048]) is not None


def failure_from_intermediary(
    url: str, status: int, headers: Mapping[str, str], body: str, operation: str
) -> VendorFailure | None:
    """Return the failure if something other than the cloud's API sent the error response to a call of `url`.

    Header names must be lower case. `None` if the response may be the cloud's own.
    """
    text = f"{operation}: answered {status}"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return MalformedAnswer(f"{text}, a redirect {_redirect(url, headers.get('location', ''))}")
    if status in _REFUSALS:
        return Intercepted(f"{text}: {_REFUSALS[status]}.")
    code = _CLOUDFLARE_CODE.match(body)
    if status != HTTPStatus.TOO_MANY_REQUESTS and (code or any(name in headers for name in _FILTER_HEADERS)):
        return Intercepted(f"{text}{f' (Cloudflare {code[1]})' if code else ''}: {_FILTERED}")
    if status == HTTPStatus.FORBIDDEN and ("text/html" in headers.get("content-type", "") or is_web_page(body)):
        return Intercepted(f"{text} with a web page: {_FILTERED}")
    return None


def _redirect(url: str, location: str) -> str:
    """Return where a redirect leads, and what to do about it."""
    if not location:
        return "without an address; check the account's endpoint."
    try:
        source, target = urlsplit(url), urlsplit(urljoin(url, location))
    except ValueError:
        return "to an address that is not valid; check the account's endpoint."
    host = f" to {target.netloc}" if _HOST.fullmatch(target.netloc) else ""
    if _LOGIN.search(target.path) or _LOGIN.search(target.hostname or ""):
        return (
            f"{host.strip() or 'to a page'}, which looks like a login page: a captive portal or a proxy wants a login; "
            "log in, set HTTPS_PROXY, or check the account's endpoint."
        )
    if target.hostname != source.hostname:
        return (
            f"{host.strip() or 'to another host'}, which is never followed: the API has moved, or a captive portal "
            "answers; check the account's endpoint and the network."
        )
    if (source.scheme, target.scheme) == ("http", "https"):
        return "from http to https; write https:// in the account's endpoint."
    return "to another path of the same host, which is never followed; check the path of the account's endpoint."
