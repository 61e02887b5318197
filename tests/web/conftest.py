"""A browser, and a gateway for it to look at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from supplygraph.web.assets import FOLDER, page_files
from tests.web.real import real_gateway

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


_PATIENCE_MILLISECONDS = 20_000


@dataclass(frozen=True, slots=True)
class Gateway:
    """The server under test: its origin, and a token which it accepts."""

    origin: str
    token: str


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """What the browser is pointed at: the real gateway, with simulated machines."""
    if page_files("src/graphiql.jsx", FOLDER) is None:
        pytest.skip("the pages are not built: make web")
    with real_gateway(tmp_path_factory.mktemp("record")) as (origin, token):
        yield Gateway(origin, token)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine: install chromium, or name one by CHROMIUM=/path/to/it")
    expect.set_options(timeout=_PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(_FLAGS))
        yield chrome
        chrome.close()
