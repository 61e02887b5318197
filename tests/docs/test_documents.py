"""The documents are true: settings, commands, files, links and operations in them are compared with the code."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import parse, validate
from typer.main import get_command

from domain.errors import ReaderError
from schema.build import build
from supplygraph.cli.main import app
from supplygraph.config.load import load
from tests.docs.pages import DOCS, PAGES, ROOT, Block, blocks, read, section
from tests.docs.sections import settings

ENVIRON = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "LAMBDA_API_KEY": "c"}
_UPDATE = "run `python -m tests.docs`"
_WRITTEN = {".state", ".venv", "build"}
_PLACEHOLDER = "NNNN"
_OTHER_CODES = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "INTERNAL"}
each_page = pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])


def commands() -> Iterator[str]:
    """Yield every call of `supplygraph` in a code block or between backticks."""
    for page in PAGES:
        text = read(page)
        yield from re.findall(r"`(supplygraph (?:serve|token|sync|accounts|check|database|schema)[^`]*)`", text)
        yield from re.findall(r"^\$ (?:\.venv/bin/)?(supplygraph .*)$", text, re.MULTILINE)


def test_settings_table() -> None:
    """Every setting is in the table with its default and its description, and no other."""
    assert settings.lines() == section(settings.PAGE, settings.NAME).splitlines(), _UPDATE


@pytest.mark.parametrize("block", [block for block in blocks("toml") if "[[accounts]]" in block.text], ids=str)
def test_configurations_load(tmp_path: Path, block: Block) -> None:
    """A configuration that a page shows loads, with all its accounts."""
    (tmp_path / "supplygraph.toml").write_text(block.text, encoding="utf-8")

    loaded = load(None, ENVIRON, tmp_path).settings

    assert block.text.count("[[accounts]]") == len(loaded.accounts)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_parses(block: Block) -> None:
    """A TOML block is TOML."""
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", blocks("graphql"), ids=str)
def test_operations_are_valid(block: Block) -> None:
    """An operation that a page shows validates against the schema."""
    assert [] == validate(build().core, parse(block.text))


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_compiles(block: Block) -> None:
    """A Python block is Python, and the operations in it validate against the schema."""
    tree = ast.parse(block.text)
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    for text in strings:
        if re.match(r"\s*query \w+", text):
            assert [] == validate(build().core, parse(text))


def _options(words: list[str]) -> tuple[list[str], set[str]]:
    """Return the names of the commands that the words go through, and the options of the last one."""
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
def test_commands_exist(text: str) -> None:
    """A command that a page shows exists, and has the options that are shown with it."""
    words = shlex.split(text.replace("[", " ").replace("]", " ").replace("...", " "))[1:]

    path, options = _options(words)

    assert path
    assert {word for word in words if word.startswith("--")} <= options


def test_every_command_is_documented() -> None:
    """No command is left out."""
    documented = {" ".join(_options(shlex.split(re.sub(r"[\[\].]", " ", text))[1:])[0]) for text in commands()}

    def leaves(command: object, path: str) -> Iterator[str]:
        inner = getattr(command, "commands", {})
        if not inner or getattr(command, "invoke_without_command", False):
            yield path.strip()
        for name, child in inner.items():
            yield from leaves(child, f"{path} {name}")

    assert set(leaves(get_command(app), "")) == documented - {"token", "database"}


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MkDocs make them."""
    prose = re.sub(r"^```.*?^```", "", read(page), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that exists and, after `#`, one of its headings."""
    for link in re.findall(r"\]\(([^)]+)\)", read(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@each_page
def test_files_exist(page: Path) -> None:
    """A path between backticks exists if it ends like a file or folder, or begins with a folder of the repository."""
    for name in re.findall(r"`((?:[A-Za-z_.-]+/)+[\w.*-]*)`", read(page)):
        first = name.partition("/")[0]
        is_path = name.endswith(("/", ".py", ".md", ".txt")) or (ROOT / first).is_dir()
        if is_path and first not in _WRITTEN and _PLACEHOLDER not in name:
            assert list(ROOT.glob(name.rstrip("/"))), name


@pytest.mark.parametrize(
    ("name", "path"), re.findall(r"`(\w+)(?:\.\w+)*` in `([\w/]+\.py)`", read(DOCS / "glossary.md"))
)
def test_the_glossary_names_what_exists(name: str, path: str) -> None:
    """A name that the glossary places in a module is in that module."""
    assert re.search(rf"\b{name}\b", read(ROOT / path)), f"{path} has no {name}"


def test_make_targets_exist() -> None:
    """`make X` in a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"(?:`|^\$ )make ([a-z]+)", read(page), re.MULTILINE)}

    assert named <= targets
    assert {"setup", "serve", "test", "prove", "check", "bench", "docs"} <= named


def test_every_error_code_is_documented() -> None:
    """The codes in the table of errors are those that the gateway sends."""

    def codes(error: type[ReaderError]) -> Iterator[str]:
        for child in error.__subclasses__():
            yield child.code
            yield from codes(child)

    documented = re.findall(r"^\| `([A-Z_]+)` \| \d", read(DOCS / "clients.md"), re.MULTILINE)
    sent = "".join(read(path) for folder in ("supplygraph", "resolvers") for path in (ROOT / folder).rglob("*.py"))

    assert sorted({*codes(ReaderError), *_OTHER_CODES}) == sorted(documented)
    assert [] == [code for code in _OTHER_CODES if f'"{code}"' not in sent]
