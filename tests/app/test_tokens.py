"""Tokens: what is kept of them, who they name, and when they stop working."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from structlog.testing import capture_logs

from db.engine import make_engine
from db.migrations import migrate
from db.tokens import TokenNameTaken, TokenRecord, TokenRows
from domain.enums import Permission
from domain.errors import DatabaseUnavailable, Forbidden, Unauthenticated
from domain.viewer import Viewer
from supplygraph.auth.tokens import MEMORY_SECONDS, Authenticator, NewToken, bearer, make, parse_lifetime

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
READ = (Permission.READ,)


@dataclass
class HandClock:
    """A clock that is set by hand, for instants and for the memory of hot tokens."""

    instant: datetime = START
    seconds: float = field(default=0)

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.instant + timedelta(seconds=self.seconds)

    def steady(self) -> float:
        """The seconds it was moved by."""
        return self.seconds


@pytest.fixture
async def rows(tmp_path: Path) -> AsyncIterator[TokenRows]:
    """The table of tokens in an empty record."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(engine)
    yield TokenRows(engine)
    await engine.dispose()


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands still until it is moved."""
    return HandClock()


@pytest.fixture
def authenticator(rows: TokenRows, clock: HandClock) -> Authenticator:
    """What tells who asks."""
    return Authenticator(rows, clock, clock.steady)


def asking(*headers: str) -> Request:
    """A request with these Authorization headers."""
    return Request({"type": "http", "headers": [(b"authorization", header.encode("latin-1")) for header in headers]})


def using(token: NewToken) -> Request:
    """A request with this token."""
    return asking(f"Bearer {token.text}")


async def test_a_token_names_its_viewer(rows: TokenRows, authenticator: Authenticator) -> None:
    """The viewer has the token's name, permissions and visible accounts."""
    token = make("portal", (Permission.READ, Permission.REFRESH), ("lab",), START)
    await rows.add(token.record)

    viewer = await authenticator.authenticate(using(token))

    assert Viewer("portal", frozenset({Permission.READ, Permission.REFRESH}), frozenset({"lab"})) == viewer


async def test_only_its_hash_is_kept(rows: TokenRows, tmp_path: Path) -> None:
    """No byte of the record's files holds the token."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240 - small files, nobody waits
    assert token.record.digest.encode() in kept
    assert token.text.removeprefix("sg_").encode() not in kept
    assert token.text not in repr(token)


def test_no_two_tokens_are_alike() -> None:
    """Each has 256 bits of its own, in letters that no header or shell changes."""
    texts = {make("t", READ, None, START).text for _ in range(1000)}

    assert 1000 == len(texts)
    assert all(46 == len(text) and text.replace("-", "").replace("_", "").isalnum() for text in texts)


async def test_a_revoked_token_stops_within_a_second(
    rows: TokenRows, authenticator: Authenticator, clock: HandClock
) -> None:
    """What is remembered of a hot token is never older than a second."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(using(token))

    assert await rows.revoke("portal", clock.now())
    clock.seconds += MEMORY_SECONDS

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(using(token))


async def test_an_expired_token_stops_at_once(rows: TokenRows, authenticator: Authenticator, clock: HandClock) -> None:
    """The memory of hot tokens does not outlive the expiry."""
    token = make("portal", READ, None, START, timedelta(seconds=0.5))
    await rows.add(token.record)
    await authenticator.authenticate(using(token))

    clock.seconds += 0.5

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(using(token))


async def test_unknown_revoked_and_expired_are_the_same_answer(rows: TokenRows, authenticator: Authenticator) -> None:
    """Whoever guesses learns nothing."""
    revoked, expired = (
        make("revoked", READ, None, START),
        make("expired", READ, None, START - timedelta(2), timedelta(1)),
    )
    for token in (revoked, expired):
        await rows.add(token.record)
    await rows.revoke("revoked", START)

    told = set()
    for token in (make("unknown", READ, None, START), revoked, expired):
        with pytest.raises(Unauthenticated) as refused:
            await authenticator.authenticate(using(token))
        told.add(str(refused.value))
    assert {"The token is unknown, expired or revoked."} == told


async def test_a_token_that_may_not_read_is_refused(rows: TokenRows, authenticator: Authenticator) -> None:
    """The permission to refresh alone opens nothing; admin implies reading."""
    refresh, admin = make("r", (Permission.REFRESH,), None, START), make("a", (Permission.ADMIN,), None, START)
    await rows.add(refresh.record)
    await rows.add(admin.record)

    with pytest.raises(Forbidden):
        await authenticator.authenticate(using(refresh))
    assert (await authenticator.authenticate(using(admin))).may(Permission.REFRESH)


@pytest.mark.parametrize("header", ["bearer abc", "BEARER abc", "Bearer   abc ", " Bearer abc"])
def test_the_scheme_is_read_in_any_case(header: str) -> None:
    """Schemes of HTTP are the same in any case."""
    assert "abc" == bearer(asking(header))


@pytest.mark.parametrize(
    "headers", [(), ("",), ("Basic abc",), ("Bearer",), ("Bearer ",), ("Bearer a", "Bearer b"), ("abc",)]
)
def test_no_token_or_two_are_refused(headers: tuple[str, ...]) -> None:
    """A request says who asks exactly once."""
    with pytest.raises(Unauthenticated):
        bearer(asking(*headers))


@given(st.text(st.characters(max_codepoint=255)))
def test_no_header_breaks_the_reading_of_it(header: str) -> None:
    """Whatever the header holds, it is a token's text or a refusal."""
    try:
        assert bearer(asking(header))
    except Unauthenticated:
        assert "Bearer TOKEN" in str(Unauthenticated("Bearer TOKEN"))


async def test_a_name_is_free_again_once_its_token_is_revoked(rows: TokenRows, authenticator: Authenticator) -> None:
    """A valid token's name is taken, unless it is to be replaced; then the old token is unknown."""
    first, second, third = (make("portal", READ, None, START) for _ in range(3))
    await rows.add(first.record)

    with pytest.raises(TokenNameTaken):
        await rows.add(second.record)
    await rows.add(second.record, replace=True)
    await rows.revoke("portal", START)
    await rows.add(third.record)

    assert (third.record,) == await rows.all()
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(using(first))


async def test_what_is_not_there_cannot_be_revoked(rows: TokenRows) -> None:
    """Revoking tells whether there was something to revoke."""
    assert not await rows.revoke("nobody", START)


@pytest.mark.parametrize(
    ("seconds", "text"), [(90 * 86_400, "90d"), (43_200, "12h"), (1_800, "30m"), (45, "45s"), (1_209_600, "2w")]
)
def test_a_time_to_live_is_a_number_and_a_unit(seconds: int, text: str) -> None:
    """As people write it."""
    assert timedelta(seconds=seconds) == parse_lifetime(text)


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1.5h", "90 d", "1y", "99999999w", "٣d"])
def test_anything_else_is_no_time_to_live(text: str) -> None:
    """Nothing that does not end, or never was."""
    with pytest.raises(ValueError, match="is no time to live"):
        parse_lifetime(text)


async def test_a_hot_token_is_confirmed_behind_its_readers(
    rows: TokenRows, authenticator: Authenticator, clock: HandClock
) -> None:
    """Its readers do not wait for the record; the viewer stays the very same while nothing changes."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    viewer = await authenticator.authenticate(using(token))
    header = f"Bearer {token.text}".encode()
    for _ in range(5):
        clock.seconds += 0.5
        assert viewer is authenticator.hot(header)
        await authenticator.close()


async def test_a_hot_token_that_another_process_revokes_stops_within_a_second(
    rows: TokenRows, authenticator: Authenticator, clock: HandClock
) -> None:
    """The next confirmation finds it revoked; where none came, it is asked for."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(using(token))
    header = f"Bearer {token.text}".encode()
    assert authenticator.hot(header) is not None
    await rows.revoke("portal", clock.now())
    clock.seconds += 0.5
    authenticator.hot(header)
    await authenticator.close()
    assert authenticator.hot(header) is None
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(using(token))


async def test_a_hot_token_whose_permissions_change(
    rows: TokenRows, authenticator: Authenticator, clock: HandClock
) -> None:
    """Within a second the viewer has the new ones; without a confirmation the token is no longer hot."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(using(token))
    header = f"Bearer {token.text}".encode()
    await rows.add(replace(token.record, accounts=frozenset({"east"})), replace=True)
    clock.seconds += 0.5
    authenticator.hot(header)
    await authenticator.close()
    viewer = authenticator.hot(header)
    assert viewer is not None
    assert frozenset({"east"}) == viewer.accounts
    clock.seconds += 1.5
    assert authenticator.hot(header) is None


async def test_a_record_that_is_away_is_told_without_a_traceback(
    rows: TokenRows, authenticator: Authenticator, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a confirmation: the log has one line with the cause, and whoever asks next is told."""

    async def away(_: object) -> list[TokenRecord]:
        raise DatabaseUnavailable("Connection refused")

    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(using(token))
    header = f"Bearer {token.text}".encode()
    monkeypatch.setattr(rows, "by_digests", away)
    clock.seconds += 0.5
    with capture_logs() as logs:
        assert authenticator.hot(header) is not None
        await authenticator.close()
    (line,) = logs
    assert ("database_unavailable", "Connection refused") == (line["event"], line["cause"])
    assert "exc_info" not in line
    clock.seconds += 1
    assert authenticator.hot(header) is None
