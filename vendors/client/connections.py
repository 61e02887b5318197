"""Trusted certificates from the environment, and the causes of failed connection attempts.

The texts contain no host and no text of the operating system, which could contain a proxy's password.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from domain.errors import ConfigurationError

_UNREACHABLE: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
# The numbers are those of OpenSSL's X509_V_ERR_*, which the module `ssl` does not name.
_CERTIFICATE_PROBLEMS: Final[Mapping[int, str]] = MappingProxyType({
    9: "its certificate is not valid yet; check the clock of this machine",
    10: "its certificate has expired; check the clock of this machine and who answers at the account's endpoint",
    62: "its certificate is for another host; check the host of the account's endpoint",
    64: "its certificate is for another address; check the host of the account's endpoint",
})  # fmt: skip
_NOT_TRUSTED: Final = (
    "the certificate of the server is not trusted; if a company's own authority signed it, name the authority's "
    "certificate in SSL_CERT_FILE, else check who answers at the account's endpoint"
)


def custom_ssl_context() -> ssl.SSLContext | None:
    """Return a TLS context that trusts what SSL_CERT_FILE and SSL_CERT_DIR name; `None` if neither is set.

    Raise ConfigurationError if what a variable names cannot be used.
    """
    file, folder = (os.environ.get(name) or None for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    if file is None and folder is None:
        return None
    if folder is not None and not any(Path(part).is_dir() for part in folder.split(os.pathsep)):
        raise ConfigurationError("SSL_CERT_DIR: the folder does not exist; correct the variable or unset it")
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(
            "SSL_CERT_FILE: the file cannot be read, or contains no certificate in PEM format; "
            "correct the variable or unset it"
        ) from None


def connection_problem(error: BaseException) -> str | None:
    """Return the cause of a failed connection attempt and its cure, without a final period; `None` if it is not known."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CERTIFICATE_PROBLEMS.get(cause.verify_code, _NOT_TRUSTED)
        if isinstance(cause, ssl.SSLError):
            return "the server does not speak TLS as expected; check whether the account's endpoint is http or https"
        if isinstance(cause, socket.gaierror):
            return "the name of the host cannot be resolved; check the account's endpoint, DNS and HTTPS_PROXY"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused; check the host and port of the account's endpoint or of the proxy"
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return "there is no route to the host; check the network, or set HTTPS_PROXY"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that caused it, at most ten levels deep."""
    level: list[BaseException] = [error]
    for _ in range(10):
        yield from level
        level = [
            inner
            for outer in level
            for inner in (
                *(outer.exceptions if isinstance(outer, BaseExceptionGroup) else ()),
                outer.__cause__ or outer.__context__,
            )
            if inner is not None
        ]
