"""The README is short, and the answer that it shows is the one that the sandbox gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.docs.pages import ROOT, blocks, read
from tests.docs.sandbox_app import run_sandbox_app

README = ROOT / "README.md"
_MAX_LINES = 120


def _without_ages(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_ages(child) for key, child in value.items() if key not in {"ageSeconds", "oldestAgeSeconds"}
        }
    return [_without_ages(child) for child in value] if isinstance(value, list) else value


async def test_the_answer_is_real(tmp_path: Path) -> None:
    """The sandbox answers the README's query with the README's JSON, except for the ages."""
    (query,) = (block.text for block in blocks("graphql") if block.page == README)
    (answer,) = (json.loads(block.text) for block in blocks("json") if block.page == README)

    async with run_sandbox_app(tmp_path, down="sandbox-research") as client:
        body = await client.post(query)

    assert _without_ages(answer) == _without_ages(body)
    assert {"STALE", "FRESH"} == {node["freshness"]["state"] for node in answer["data"]["resources"]["nodes"]}


def test_it_is_short() -> None:
    """The README has at most 120 lines, and the answer comes before anything else."""
    text = read(README)

    assert text.count("\n") <= _MAX_LINES
    assert text.index("```json") < text.index("\n## ")
