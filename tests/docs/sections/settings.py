"""The table of settings in `docs/operations.md`."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from supplygraph.config.settings import Settings
from tests.docs.pages import DOCS

PAGE = DOCS / "operations.md"
NAME = "settings"


def lines() -> list[str]:
    """Return the table: each setting with its default and its description."""
    result = ["| setting | default | meaning |", "|---|---|---|"]
    for section, field in Settings.model_fields.items():
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        for key, setting in model.model_fields.items():
            default = setting.default_factory() if setting.default_factory else setting.default  # type: ignore[call-arg]
            result.append(f"| `{section}.{key}` | `{_literal(default)}` | {setting.description} |")
    return result


def _literal(default: object) -> str:
    assert default is not PydanticUndefined
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return f'"{default}"' if isinstance(default, str) else str(default)
