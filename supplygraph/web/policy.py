"""Security and caching headers of the browser pages and their assets."""

from __future__ import annotations

from typing import Final

_COMMON_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# Monaco renders its lines as HTML with style attributes, which a nonce or hash cannot allow. Therefore style attributes
# are allowed, but <style> elements only if the page's own script has added the nonce to them.
_PAGE: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
    "connect-src 'self'; font-src 'self'; img-src 'self' data:; worker-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
_PLAIN: Final = (
    "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)
# A worker follows the policy of the response that delivered its script, not that of the page. These workers only compute
# and load their own modules.
_ASSET: Final = "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


def page_headers(nonce: str, *, built: bool) -> dict[str, str]:
    """Return the headers of a page. It must not be cached, because every response has its own nonce.

    `nonce` allows the style elements of the page. Scripts run only in a built page.
    """
    policy = (_PAGE if built else _PLAIN).format(nonce=nonce)
    return {**_COMMON_HEADERS, "Content-Security-Policy": policy, "Cache-Control": "no-store"}


def asset_headers() -> dict[str, str]:
    """Return the headers of an asset, which browsers may cache for ever because its name changes with its content."""
    return {
        **_COMMON_HEADERS,
        "Content-Security-Policy": _ASSET,
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }
