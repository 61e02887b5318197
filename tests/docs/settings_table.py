"""The table of settings as the documents must have it."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from supplygraph.config.settings import Settings


def rows() -> list[str]:
    """One line a setting: its key, its default, what it is."""
    told = []
    for section, field in Settings.model_fields.items():
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        for key, setting in model.model_fields.items():
            default = setting.default_factory() if setting.default_factory else setting.default  # type: ignore[call-arg]
            told.append(f"| `{section}.{key}` | `{_written(default)}` | {setting.description} |")
    return told


def _written(default: object) -> str:
    assert default is not PydanticUndefined
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, bool):
        return str(default).lower()
    return f'"{default}"' if isinstance(default, str) else str(default).replace(".0", "")
