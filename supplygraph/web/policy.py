"""What a browser may do with what it gets from here."""

from __future__ import annotations

from typing import Final

COMMON_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# Monaco writes its lines as HTML with style attributes, which no nonce or hash can admit: attributes are let through,
# <style> elements are not, except those that the page's own script marks with the nonce.
_PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
    "connect-src 'self'; font-src 'self'; img-src 'self' data:; worker-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
_PLAIN: Final = (
    "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
# A worker obeys the policy of its own script's answer, not the page's; these compute, and load their own parts only.
_ASSET: Final = "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


def page_headers(nonce: str) -> dict[str, str]:
    """For a page with the built script; `nonce` admits the style elements that it writes."""
    return _document(_PAGE.format(nonce=nonce))


def plain_page_headers(nonce: str) -> dict[str, str]:
    """For a page without any script."""
    return _document(_PLAIN.format(nonce=nonce))


def asset_headers() -> dict[str, str]:
    """For a file whose name changes with its content."""
    return {
        **COMMON_HEADERS,
        "Content-Security-Policy": _ASSET,
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }


def _document(policy: str) -> dict[str, str]:
    """A page is made anew each time, for its nonce."""
    return {**COMMON_HEADERS, "Content-Security-Policy": policy, "Cache-Control": "no-store"}
