"""References to secrets: what is one, what it reveals, and that a credential written out is never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplygraph.config.secrets import LONGEST, BadSecret, SecretReference, parse_reference, resolve

NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", min_size=1)


@given(NAMES)
def test_a_variable_is_named_by_env(name: str) -> None:
    """`env:NAME` is the variable NAME, whatever the name."""
    assert SecretReference("env", name) == parse_reference(f"env:{name}")


@given(st.text().filter(lambda text: not text.startswith(("env:", "file:"))))
def test_anything_else_is_a_credential_written_out(text: str) -> None:
    """Text in any other form is refused."""
    with pytest.raises(BadSecret, match="a credential is written out"):
        parse_reference(text)


@given(st.text(min_size=8).filter(lambda text: text not in str(_refusal())))
def test_the_refusal_never_repeats_what_was_written(secret: str) -> None:
    """The refusal is one fixed text: nothing of what was written can be in it."""
    with pytest.raises(BadSecret) as refused:
        parse_reference(secret if not secret.startswith(("env:", "file:")) else f"x{secret}")
    assert str(_refusal()) == str(refused.value)


@given(st.none() | st.integers() | st.booleans() | st.lists(st.text()))
def test_what_is_no_text_is_refused(value: object) -> None:
    """A number, a list or nothing at all is no reference."""
    with pytest.raises(BadSecret):
        parse_reference(value)


@pytest.mark.parametrize("text", ["env:", "file:", "env:A B", "env:A=B", "env: A", "file:a\nb", "ENV:A", "env"])
def test_a_crooked_reference_is_refused(text: str) -> None:
    """Empty places, spaces, line breaks and other capitals are no references."""
    with pytest.raises(BadSecret):
        parse_reference(text)


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-_/+=.", min_size=1), st.sampled_from(["", "\n", " \r\n"]))
def test_a_secret_comes_without_the_spaces_around_it(secret: str, ending: str) -> None:
    """The line break that editors put at a file's end is no part of the secret."""
    assert secret == resolve(SecretReference("env", "KEY"), {"KEY": secret + ending}, Path())


def test_a_file_is_looked_for_beside_the_configuration(tmp_path: Path) -> None:
    """A relative path starts at the folder that is handed in."""
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8")

    assert "s3cret" == resolve(SecretReference("file", "key"), {}, tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """The error says which variable or file there is not."""
    with pytest.raises(BadSecret, match=r"^the environment variable KEY is not set, or empty$"):
        resolve(SecretReference("env", "KEY"), {"KEY": " "}, tmp_path)
    with pytest.raises(BadSecret, match=r"^the file key cannot be read: No such file or directory$"):
        resolve(SecretReference("file", "key"), {}, tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"one\ntwo", "the file key holds more than one line, or control characters"),
        (b"\xff\xfe", "the file key is no UTF-8 text"),
        (b"x" * (LONGEST + 1), "the file key is too large for a secret"),
        (b"", "the file key is not set, or empty"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """What could break a header, or is no text, or is another file altogether, is refused without being repeated."""
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(BadSecret) as refused:
        resolve(SecretReference("file", "key"), {}, tmp_path)
    assert said == str(refused.value)


def _refusal() -> BadSecret:
    try:
        parse_reference("")
    except BadSecret as refused:
        return refused
    raise AssertionError
