"""The documents: what they claim of settings, commands, files and questions is compared with what is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import parse, validate
from typer.main import get_command

from schema.build import build
from supplygraph.cli.main import app
from supplygraph.config.load import load
from tests.docs.settings_table import rows

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
ENVIRON = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "LAMBDA_API_KEY": "c"}


def blocks(language: str) -> list[tuple[str, str]]:
    """Every fenced block of a language, with its document's name."""
    found = [
        (document.name, block)
        for document in DOCUMENTS
        for block in re.findall(
            rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
    ]
    assert found, f"no {language} block in any document"
    return found


def commands() -> Iterator[str]:
    """Every call of `supplygraph` in a code block or between backticks."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        yield from re.findall(r"`(supplygraph (?:serve|token|sync|accounts|check)[^`]*)`", text)
        yield from re.findall(r"^\$ (?:\.venv/bin/)?(supplygraph .*)$", text, re.MULTILINE)


def test_the_table_of_settings_is_the_models() -> None:
    """Every setting is there with its default and its meaning, and no other."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert rows() == re.findall(r"^\| `[a-z]+\.[a-z_]+` \| .*\|$", text, re.MULTILINE)


@pytest.mark.parametrize(("document", "text"), [block for block in blocks("toml") if "[[accounts]]" in block[1]])
def test_every_configuration_shown_is_one(tmp_path: Path, document: str, text: str) -> None:
    """It loads, and every account in it is read."""
    (tmp_path / "supplygraph.toml").write_text(text, encoding="utf-8")

    settings = load(None, ENVIRON, tmp_path).settings

    assert text.count("[[accounts]]") == len(settings.accounts)


@pytest.mark.parametrize(("document", "text"), blocks("toml"))
def test_every_toml_shown_is_toml(document: str, text: str) -> None:
    """It parses."""
    assert tomllib.loads(text)


@pytest.mark.parametrize(("document", "text"), blocks("graphql"))
def test_every_question_shown_is_valid(document: str, text: str) -> None:
    """It validates against the graph."""
    assert [] == validate(build().core, parse(text))


def _options(words: list[str]) -> tuple[list[str], set[str]]:
    """The names of the commands that the words go through, and the options of the last one."""
    command = get_command(app)
    path = []
    for word in words:
        inner = getattr(command, "commands", {}).get(word)
        if inner is None:
            break
        path.append(word)
        command = inner
    return path, {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("text", sorted(set(commands())))
def test_every_command_shown_is_one(text: str) -> None:
    """The command exists, and has the options that are shown with it."""
    words = shlex.split(text.replace("[", " ").replace("]", " ").replace("...", " "))[1:]

    path, options = _options(words)

    assert path
    assert {word for word in words if word.startswith("--")} <= options


def test_every_command_is_shown() -> None:
    """None is left out of the table."""
    shown = {" ".join(_options(shlex.split(re.sub(r"[\[\].]", " ", text))[1:])[0]) for text in commands()}

    def leaves(command: object, path: str) -> Iterator[str]:
        inner = getattr(command, "commands", {})
        if not inner or getattr(command, "invoke_without_command", False):
            yield path.strip()
        for name, each in inner.items():
            yield from leaves(each, f"{path} {name}")

    assert set(leaves(get_command(app), "")) == shown - {"token"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link names a file or folder that is there."""
    for link in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert "://" in link or (document.parent / link).exists(), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_folders_and_modules_named_are_there(document: Path) -> None:
    """What is named between backticks with a slash and a known ending exists."""
    text = document.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:[a-z_]+/)+(?:[a-z_*]+\.(?:py|md|txt))?)`", text):
        assert list(ROOT.glob(name.rstrip("/"))), name


def test_make_targets_named_are_there() -> None:
    """`make X` in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"`make ([a-z]+)", document.read_text(encoding="utf-8"))
    }

    assert named <= targets
    assert {"setup", "serve", "test", "prove", "check", "bench", "help"} <= targets
