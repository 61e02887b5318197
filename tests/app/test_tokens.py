"""Tests of access tokens: what is stored, which viewer they map to, and when they stop working."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from db.engine import make_engine
from db.migrations import migrate
from db.tokens import TokenNameTaken, TokenRecord, TokenRows
from domain.enums import Permission
from domain.errors import DatabaseUnavailable, Forbidden, Unauthenticated
from domain.viewer import Viewer
from supplygraph.auth.tokens import MEMORY_SECONDS, Authenticator, NewToken, bearer_token, make, parse_lifetime

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
READ = (Permission.READ,)


@dataclass
class TokenClock:
    """A clock that tests set, both for timestamps and for the age of cached tokens."""

    instant: datetime = START
    seconds: float = field(default=0)

    def now(self) -> datetime:
        """Return the current time of this clock."""
        return self.instant + timedelta(seconds=self.seconds)

    def steady(self) -> float:
        """Return the seconds by which the clock was advanced."""
        return self.seconds


class CountedTokens(TokenRows):
    """The table of tokens, with the number of requests that waited for it and of confirmations in the background."""

    lookups = 0
    confirmations = 0

    async def by_digest(self, digest: str) -> TokenRecord | None:
        """Look up one token for a request."""
        self.lookups += 1
        return await super().by_digest(digest)

    async def by_digests(self, digests: Collection[str]) -> tuple[TokenRecord, ...]:
        """Look up the cached tokens."""
        self.confirmations += 1
        return await super().by_digests(digests)


@pytest.fixture
async def rows(tmp_path: Path) -> AsyncIterator[CountedTokens]:
    """Create an empty database and return its table of tokens."""
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(engine)
    yield CountedTokens(engine)
    await engine.dispose()


@pytest.fixture
def clock() -> TokenClock:
    """Create a clock that stands still until a test advances it."""
    return TokenClock()


@pytest.fixture
def authenticator(rows: TokenRows, clock: TokenClock) -> Authenticator:
    """Create the authenticator under test."""
    return Authenticator(rows, clock, clock.steady)


def headers_of(token: NewToken) -> list[bytes]:
    """Return the values of `Authorization` in a request with this token."""
    return [f"Bearer {token.text}".encode()]


async def test_token_maps_to_its_viewer(rows: TokenRows, authenticator: Authenticator) -> None:
    """The viewer has the token's name, permissions and visible accounts."""
    token = make("portal", (Permission.READ, Permission.REFRESH), ("lab",), START)
    await rows.add(token.record)

    viewer = await authenticator.authenticate(headers_of(token))

    assert Viewer("portal", frozenset({Permission.READ, Permission.REFRESH}), frozenset({"lab"})) == viewer


async def test_only_the_hash_is_stored(rows: TokenRows, tmp_path: Path) -> None:
    """The files of the database contain the hash and not the token."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)

    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240 - small files
    assert token.record.digest.encode() in content
    assert token.text.removeprefix("sg_").encode() not in content
    assert token.text not in repr(token)


def test_tokens_are_unique() -> None:
    """Each token has 256 random bits, in characters that need no escaping in a header or a shell."""
    texts = {make("t", READ, None, START).text for _ in range(1000)}

    assert 1000 == len(texts)
    assert all(46 == len(text) and text.replace("-", "").replace("_", "").isalnum() for text in texts)


async def test_revoked_token_stops_within_a_second(
    rows: TokenRows, authenticator: Authenticator, clock: TokenClock
) -> None:
    """A cached token is accepted for at most a second after its verification."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(headers_of(token))

    assert await rows.revoke("portal", clock.now())
    clock.seconds += MEMORY_SECONDS

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(headers_of(token))


async def test_expired_token_stops_at_once(rows: TokenRows, authenticator: Authenticator, clock: TokenClock) -> None:
    """A cached token is not accepted after it has expired."""
    token = make("portal", READ, None, START, timedelta(seconds=0.5))
    await rows.add(token.record)
    await authenticator.authenticate(headers_of(token))

    clock.seconds += 0.5

    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(headers_of(token))


async def test_unknown_revoked_and_expired_tokens_get_the_same_error(
    rows: TokenRows, authenticator: Authenticator
) -> None:
    """The error does not reveal whether a token ever existed."""
    revoked, expired = (
        make("revoked", READ, None, START),
        make("expired", READ, None, START - timedelta(2), timedelta(1)),
    )
    for token in (revoked, expired):
        await rows.add(token.record)
    await rows.revoke("revoked", START)

    messages = set()
    for token in (make("unknown", READ, None, START), revoked, expired):
        with pytest.raises(Unauthenticated) as error:
            await authenticator.authenticate(headers_of(token))
        messages.add(str(error.value))
    assert {"The token is unknown, expired or revoked."} == messages


async def test_token_without_read_is_rejected(rows: TokenRows, authenticator: Authenticator) -> None:
    """The permission `refresh` alone is not enough; `admin` includes `read`."""
    refresh, admin = make("r", (Permission.REFRESH,), None, START), make("a", (Permission.ADMIN,), None, START)
    await rows.add(refresh.record)
    await rows.add(admin.record)

    with pytest.raises(Forbidden):
        await authenticator.authenticate(headers_of(refresh))
    assert (await authenticator.authenticate(headers_of(admin))).may(Permission.REFRESH)


@pytest.mark.parametrize("header", ["bearer abc", "BEARER abc", "Bearer   abc ", " Bearer abc"])
def test_scheme_is_case_insensitive(header: str) -> None:
    """Authentication schemes of HTTP are case-insensitive."""
    assert "abc" == bearer_token([header.encode("latin-1")])


@pytest.mark.parametrize(
    "headers", [(), ("",), ("Basic abc",), ("Bearer",), ("Bearer ",), ("Bearer a", "Bearer b"), ("abc",)]
)
def test_missing_malformed_or_repeated_header_is_rejected(headers: tuple[str, ...]) -> None:
    """A request must have exactly one well-formed header."""
    with pytest.raises(Unauthenticated):
        bearer_token([header.encode("latin-1") for header in headers])


@given(st.text(st.characters(max_codepoint=255)))
def test_any_header_is_parsed_or_rejected(header: str) -> None:
    """Any header value yields either a token or Unauthenticated."""
    try:
        assert bearer_token([header.encode("latin-1")])
    except Unauthenticated as error:
        assert "Bearer TOKEN" in str(error)  # noqa: PT017 - a valid header raises nothing


async def test_name_can_be_reused_after_revocation(rows: TokenRows, authenticator: Authenticator) -> None:
    """The name of a valid token can be reused only with `replace`, which makes the old token unknown."""
    first, second, third = (make("portal", READ, None, START) for _ in range(3))
    await rows.add(first.record)

    with pytest.raises(TokenNameTaken):
        await rows.add(second.record)
    await rows.add(second.record, replace=True)
    await rows.revoke("portal", START)
    await rows.add(third.record)

    assert (third.record,) == await rows.all()
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(headers_of(first))


async def test_revoking_an_unknown_name_returns_false(rows: TokenRows) -> None:
    """The result says whether there was a token to revoke."""
    assert not await rows.revoke("nobody", START)


@pytest.mark.parametrize(
    ("seconds", "text"), [(90 * 86_400, "90d"), (43_200, "12h"), (1_800, "30m"), (45, "45s"), (1_209_600, "2w")]
)
def test_lifetime_is_a_number_and_a_unit(seconds: int, text: str) -> None:
    """Every unit is supported."""
    assert timedelta(seconds=seconds) == parse_lifetime(text)


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1.5h", "90 d", "1y", "99999999w", "٣d"])
def test_other_lifetimes_are_rejected(text: str) -> None:
    """A lifetime must be positive, at most a century, and written as digits and a unit."""
    with pytest.raises(ValueError, match="is not a valid duration"):
        parse_lifetime(text)


async def test_cached_token_is_confirmed_in_the_background(
    rows: CountedTokens, authenticator: Authenticator, clock: TokenClock
) -> None:
    """Requests do not wait for the database, and the viewer stays the same object while nothing changes."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    viewer = await authenticator.authenticate(headers_of(token))
    for _ in range(5):
        clock.seconds += 0.5
        assert viewer is await authenticator.authenticate(headers_of(token))
        await authenticator.close()
    assert (1, 5) == (rows.lookups, rows.confirmations)


async def test_one_confirmation_serves_all_cached_tokens(
    rows: CountedTokens, authenticator: Authenticator, clock: TokenClock
) -> None:
    """Concurrent requests with several tokens start one statement."""
    tokens = [make(f"token-{number}", READ, None, START) for number in range(4)]
    for token in tokens:
        await rows.add(token.record)
        await authenticator.authenticate(headers_of(token))
    clock.seconds += 0.5
    for token in tokens * 2:
        await authenticator.authenticate(headers_of(token))
    await authenticator.close()
    clock.seconds += 0.9
    for token in tokens:
        await authenticator.authenticate(headers_of(token))
    await authenticator.close()
    assert (4, 2) == (rows.lookups, rows.confirmations)


async def test_each_spelling_of_the_header_is_cached(rows: CountedTokens, authenticator: Authenticator) -> None:
    """The cache goes by the bytes of the header, so that a hit needs no parsing. Every spelling has the same viewer."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    spellings = [f"Bearer {token.text}", f"bearer {token.text}", f"Bearer  {token.text} "]
    viewers = [await authenticator.authenticate([text.encode()]) for text in spellings * 2]
    assert {"portal"} == {viewer.name for viewer in viewers}
    assert len(spellings) == rows.lookups


async def test_unknown_token_is_not_cached(rows: CountedTokens, authenticator: Authenticator) -> None:
    """It is looked up each time, and works as soon as it exists."""
    token = make("portal", READ, None, START)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(headers_of(token))
    await rows.add(token.record)
    assert "portal" == (await authenticator.authenticate(headers_of(token))).name
    assert 3 == rows.lookups


async def test_cached_token_does_not_excuse_a_second_header(rows: TokenRows, authenticator: Authenticator) -> None:
    """A request with two headers is rejected, whichever of them is cached."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(headers_of(token))
    for headers in (headers_of(token) * 2, [*headers_of(token), b"Basic abc"], [b"", *headers_of(token)]):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate(headers)


async def test_token_revoked_by_another_process_stops_within_a_second(
    rows: CountedTokens, authenticator: Authenticator, clock: TokenClock
) -> None:
    """The next confirmation finds that the token was revoked."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(headers_of(token))
    await rows.revoke("portal", clock.now())
    clock.seconds += 0.5
    await authenticator.authenticate(headers_of(token))
    await authenticator.close()
    assert (1, 1) == (rows.lookups, rows.confirmations)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(headers_of(token))


async def test_changed_permissions_apply_within_a_second(
    rows: CountedTokens, authenticator: Authenticator, clock: TokenClock
) -> None:
    """The next confirmation updates the viewer. Without a confirmation the token is looked up after a second."""
    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(headers_of(token))
    await rows.add(replace(token.record, accounts=frozenset({"east"})), replace=True)
    clock.seconds += 0.5
    await authenticator.authenticate(headers_of(token))
    await authenticator.close()
    viewer = await authenticator.authenticate(headers_of(token))
    assert frozenset({"east"}) == viewer.accounts
    assert 1 == rows.lookups
    await rows.add(replace(token.record, accounts=frozenset({"west"})), replace=True)
    clock.seconds += 1.5
    viewer = await authenticator.authenticate(headers_of(token))
    assert frozenset({"west"}) == viewer.accounts
    assert 2 == rows.lookups


async def test_unavailable_database_is_logged_without_a_traceback(
    rows: CountedTokens, authenticator: Authenticator, clock: TokenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed confirmation is one log line with the cause; afterwards the token must be looked up."""

    async def unavailable(_: object) -> list[TokenRecord]:
        raise DatabaseUnavailable("Connection refused")

    token = make("portal", READ, None, START)
    await rows.add(token.record)
    await authenticator.authenticate(headers_of(token))
    monkeypatch.setattr(rows, "by_digests", unavailable)
    clock.seconds += 0.5
    with capture_logs() as logs:
        await authenticator.authenticate(headers_of(token))
        await authenticator.close()
    (line,) = logs
    assert ("database_unavailable", "Connection refused") == (line["event"], line["cause"])
    assert "exc_info" not in line
    clock.seconds += 1
    monkeypatch.setattr(rows, "by_digest", unavailable)
    with pytest.raises(DatabaseUnavailable):
        await authenticator.authenticate(headers_of(token))
