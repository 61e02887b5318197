"""Tests of the line numbers of keys in a TOML text."""

from __future__ import annotations

import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from supplygraph.config.toml_lines import Path, TomlLines

TEXT = """\
# a comment
top = 1

[server]
host = "127.0.0.1"   # [not] a = "table"
allowed_origins = [
  "https://a.example",
  "https://b.example",
]
note = '''
port = 9
'''
port = 8000

[[accounts]]
name = "one"
[accounts.credentials]
api_key = "env:A"

[[accounts]]
name = "two"
credentials = { api_key = "env:B" }
"""


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (2, ("top",)),
        (4, ("server",)),
        (5, ("server", "host")),
        (6, ("server", "allowed_origins")),
        (6, ("server", "allowed_origins", 1)),
        (13, ("server", "port")),
        (15, ("accounts",)),
        (15, ("accounts", 0)),
        (16, ("accounts", 0, "name")),
        (17, ("accounts", 0, "credentials")),
        (18, ("accounts", 0, "credentials", "api_key")),
        (20, ("accounts", 1)),
        (22, ("accounts", 1, "credentials", "api_key")),
        (20, ("accounts", 1, "regions")),
        (None, ("freshness", "cooldown_seconds")),
    ],
)
def test_line_of_a_key(line: int | None, path: Path) -> None:
    """Keys in tables, lists of tables and inline tables are found; a missing key has the line of its nearest parent."""
    assert line == TomlLines(TEXT).of(path)


KEYS = st.text("abcdefghij-_ .\"'#[]=é", min_size=1, max_size=6)
VALUES = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.booleans())
def test_every_key_is_found_on_a_line_that_contains_it(tables: dict[str, object], multiline: bool) -> None:
    """For any text, each top-level key has a line, and that line contains the key."""
    text = tomli_w.dumps(tables, multiline_strings=multiline)
    lines = TomlLines(text)
    text_lines = text.split("\n")

    for key in tomllib.loads(text):
        line = lines.of((key,))
        assert line is not None
        assert key in text_lines[line - 1] or "\\" in text_lines[line - 1] or '"' in key
