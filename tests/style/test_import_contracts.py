"""The import contracts of pyproject.toml cover the packages and modules that exist."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tools.style.sources import PRODUCT, ROOT

SHARED_BY_ADAPTERS = {"__init__", "api_key", "base", "registry"}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The settings of import-linter."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    settings: dict[str, Any] = tomllib.loads(text)["tool"]["importlinter"]
    return settings


def test_every_package_is_covered(settings: dict[str, Any]) -> None:
    """The contracts read all installed packages, and the first one puts each of them in a layer."""
    layers = " ".join(settings["contracts"][0]["layers"]).replace("|", " ").split()
    assert sorted(PRODUCT) == sorted(settings["root_packages"]) == sorted(layers)


def test_every_adapter_is_independent(settings: dict[str, Any]) -> None:
    """A new cloud is added to the contract that forbids imports among adapters."""
    (contract,) = (each for each in settings["contracts"] if each["type"] == "independence")
    modules = {path.stem for path in (ROOT / "vendors").glob("*.py")} - SHARED_BY_ADAPTERS
    assert sorted(contract["modules"]) == sorted(f"vendors.{module}" for module in modules)
