"""Tests of references to secrets: their syntax, their resolution, and errors that never repeat a credential."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplygraph.config.secrets import LONGEST, BadSecret, SecretReference, parse_reference, resolve

NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", min_size=1)


@given(NAMES)
def test_env_names_a_variable(name: str) -> None:
    """`env:NAME` refers to the variable NAME, for any name."""
    assert SecretReference("env", name) == parse_reference(f"env:{name}")


@given(st.text().filter(lambda text: not text.startswith(("env:", "file:"))))
def test_other_text_is_treated_as_a_credential(text: str) -> None:
    """Text in any other form is rejected."""
    with pytest.raises(BadSecret, match="credentials must not be written into the configuration"):
        parse_reference(text)


@given(st.text(min_size=8).filter(lambda text: text not in str(_error())))
def test_error_never_repeats_the_text(secret: str) -> None:
    """The error has one constant message, which cannot contain the rejected text."""
    with pytest.raises(BadSecret) as error:
        parse_reference(secret if not secret.startswith(("env:", "file:")) else f"x{secret}")
    assert str(_error()) == str(error.value)


@given(st.none() | st.integers() | st.booleans() | st.lists(st.text()))
def test_other_types_are_rejected(value: object) -> None:
    """A number, a list or null is not a reference."""
    with pytest.raises(BadSecret):
        parse_reference(value)


@pytest.mark.parametrize("text", ["env:", "file:", "env:A B", "env:A=B", "env: A", "file:a\nb", "ENV:A", "env"])
def test_malformed_reference_is_rejected(text: str) -> None:
    """Empty names, spaces, line breaks and upper-case prefixes are not valid."""
    with pytest.raises(BadSecret):
        parse_reference(text)


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_/+=.", min_size=1), st.sampled_from(["", "\n", " \r\n"]))
def test_whitespace_around_a_secret_is_removed(secret: str, ending: str) -> None:
    """The line break that editors add to the end of a file is not part of the secret."""
    assert secret == resolve(SecretReference("env", "KEY"), {"KEY": secret + ending}, Path())


def test_relative_file_starts_at_the_folder(tmp_path: Path) -> None:
    """A relative path starts at the folder that is passed in."""
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8")

    assert "s3cret" == resolve(SecretReference("file", "key"), {}, tmp_path)


def test_missing_secret_is_named(tmp_path: Path) -> None:
    """The error names the missing variable or file."""
    with pytest.raises(BadSecret, match=r"^the environment variable KEY is not set or is empty$"):
        resolve(SecretReference("env", "KEY"), {"KEY": " "}, tmp_path)
    with pytest.raises(BadSecret, match=r"^the file key cannot be read: No such file or directory$"):
        resolve(SecretReference("file", "key"), {}, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\ntwo", "the file key contains several lines or control characters; it must contain only the secret"),
        (b"\xff\xfe", "the file key is not UTF-8 text; check that it is the right file"),
        (b"x" * (LONGEST + 1), "the file key is larger than 65536 bytes; check that it is the right file"),
        (b"", "the file key is not set or is empty"),
    ],
)
def test_file_without_a_usable_secret_is_rejected(tmp_path: Path, content: bytes, message: str) -> None:
    """Content that cannot be sent in a header, or that is not text, is rejected without being repeated."""
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(BadSecret) as error:
        resolve(SecretReference("file", "key"), {}, tmp_path)
    assert message == str(error.value)


def _error() -> BadSecret:
    try:
        parse_reference("")
    except BadSecret as error:
        return error
    raise AssertionError
