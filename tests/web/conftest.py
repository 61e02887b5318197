"""Fixtures: a browser, and a gateway whose pages it opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from supplygraph.web.assets import FOLDER, page_files
from tests.web.real_gateway import real_gateway
from web.build import is_up_to_date

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TIMEOUT_MILLISECONDS = 20_000


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """The origin of the gateway under test, and a token that it accepts."""

    origin: str
    token: str


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayAddress]:
    """Run the real gateway with simulated machines."""
    if page_files("src/graphiql.jsx", FOLDER) is None:
        pytest.skip("the pages are not built; run: make web")
    if not is_up_to_date():
        pytest.skip("the pages are older than their sources; run: make web")
    with real_gateway(tmp_path_factory.mktemp("database")) as (origin, token):
        yield GatewayAddress(origin, token)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a headless Chromium."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium was not found; install it, or set CHROMIUM=/path/to/chromium")
    expect.set_options(timeout=_TIMEOUT_MILLISECONDS)
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(_FLAGS))
        yield chrome
        chrome.close()
