"""Reading of an operation's root fields: from the result cache if the data revision is unchanged, else from the database."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import Dialect

from db.connections import RowReader
from db.query.account_state import VisibleAccounts, parse_accounts
from db.query.annotated_text import AnnotatedText, Placeholder
from db.query.placeholders import FreshnessJudge, PlaceholderRenderer, RenderContext
from db.query.results import CACHE_BYTES, ResultCache, text_size
from db.query.revision_reader import RevisionReader
from db.query.shape import Value
from db.query.sql.statement import AccountStatement, DemandShape, OperationStatement, RootColumn
from domain.cache import LRUCache
from domain.errors import LimitExceeded
from domain.freshness import Assessment
from domain.runtime_stats import NO_RUNTIME_STATS, RuntimeStats

_ACCOUNT_STATES: Final = 256
# The bound values are part of the key, and a filter may be as long as a request. A longer key is not stored.
_MAX_KEY_LENGTH: Final = 16_384


@dataclass(slots=True)
class RootResult:
    """The result of reading one root field: the accounts, and a text that is the answer once its placeholders are filled.

    Not frozen, because that makes creation slower and every request creates some.
    """

    root: RootColumn
    accounts: VisibleAccounts
    text: AnnotatedText
    stats: RuntimeStats = NO_RUNTIME_STATS

    @property
    def name(self) -> str:
        """The root field's name in the schema."""
        return self.root.shape.name

    @property
    def demand(self) -> DemandShape:
        """The parts of the root field to which a demand may apply."""
        return self.root.demand

    def render(self, judge: FreshnessJudge, now: datetime) -> bytes:
        """Return the root field's value as JSON."""
        renderers = self.root.placeholders
        if not renderers:
            return self.text.plain_text
        return _fill(self.text, renderers, RenderContext(self.accounts, now, judge, self.stats))


def _fill(text: AnnotatedText, renderers: Sequence[PlaceholderRenderer], context: RenderContext) -> bytes:
    """Fill the placeholders. Equal placeholders of resources that share an assessment are rendered once."""
    rendered: dict[tuple[int, bytes, int], tuple[Assessment | None, bytes]] = {}

    def render(placeholder: Placeholder) -> bytes:
        enclosing = placeholder.enclosing
        assessment = None if enclosing is None else context.judge.assess(enclosing)
        key = placeholder.number, placeholder.payload, id(assessment)
        if key not in rendered:
            inner = context if assessment is None else context.inside(enclosing, assessment)
            # The entry holds a reference to the assessment, so that no other one can get the same id.
            rendered[key] = assessment, orjson.dumps(renderers[placeholder.number].render(placeholder.value, inner))
        return rendered[key][1]

    return text.fill(render)


class QueryReader:
    """Reads from one database. Not thread-safe: it is used only on the event loop.

    `stats` supplies the figures of a running gateway that the database does not store. `cache_bytes` 0 turns the result cache
    off.
    """

    def __init__(
        self,
        rows: RowReader,
        dialect: Dialect,
        *,
        stats: RuntimeStats = NO_RUNTIME_STATS,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self._rows = rows
        self._stats = stats
        self._revision = RevisionReader(rows, dialect)
        self._results = ResultCache(cache_bytes)
        self._accounts: LRUCache[tuple[object, ...], VisibleAccounts] = LRUCache(_ACCOUNT_STATES)

    @property
    def fills(self) -> Mapping[str, float]:
        """The share of each cache that is in use; 1 at its bound."""
        return {"results": self._results.fill, "account_states": self._accounts.fill}

    async def close(self) -> None:
        """Close the connections."""
        await self._rows.close()

    async def read(
        self, statement: OperationStatement, values: Mapping[str, Value]
    ) -> list[RootResult] | LimitExceeded:
        """Return the results of all root fields, in order, from one state of the database.

        A cached result costs one short statement, which reads the data revision. Otherwise one statement reads the texts, and
        one more each set of accounts that is not cached; an operation rarely needs more than one set. Only if the data changes
        between these statements, another one reads everything again. Returns LimitExceeded if a statement takes too long.
        Raises DatabaseUnavailable.
        """
        try:
            texts, revision = await self._read_texts(statement, values)
            accounts = await self._read_accounts(statement, values, revision)
            if accounts is None:
                texts, accounts = await self._read_combined(statement, values)
        except TimeoutError:
            allowed = math.ceil(self._rows.seconds)
            return LimitExceeded("seconds of reading", allowed, allowed + 1)
        return [
            RootResult(root, accounts[root.accounts], text, self._stats)
            for root, text in zip(statement.roots, texts, strict=True)
        ]

    async def _read_texts(
        self, statement: OperationStatement, values: Mapping[str, Value]
    ) -> tuple[Sequence[AnnotatedText], int | None]:
        """Return the texts and the data revision at which they are valid."""
        params = statement.bind(values)
        key = statement.number, params
        result = self._results.get(key)
        if result is not None and await self._revision.current() == result.revision:
            return result.texts, result.revision
        *columns, revision = await self._rows.row(statement.sql, params)
        texts = [AnnotatedText(column) for column in columns]
        self._results.add(key, revision, texts)
        return texts, revision

    async def _read_accounts(
        self, statement: OperationStatement, values: Mapping[str, Value], revision: int | None
    ) -> Sequence[VisibleAccounts] | None:
        """Return the accounts at this revision; None if the data has a different revision now, or no revision at all."""
        if revision is None:
            return None
        accounts: list[VisibleAccounts] = []
        for account_statement in statement.accounts:
            params = account_statement.bind(values)
            visible = self._accounts.get((revision, account_statement.needs, params))
            if visible is None:
                document, current = await self._rows.row(account_statement.sql, params)
                visible = self._parse(document, current, account_statement, params)
                if current != revision:
                    return None
            accounts.append(visible)
        return accounts

    async def _read_combined(
        self, statement: OperationStatement, values: Mapping[str, Value]
    ) -> tuple[Sequence[AnnotatedText], Sequence[VisibleAccounts]]:
        """Read texts and accounts in one statement, so that they belong to one state of the database."""
        row = await self._rows.row(statement.combined.sql, statement.combined.bind(values))
        count = len(statement.roots)
        # The columns: all texts, their revision, then each document of accounts, followed by its revision.
        texts = [AnnotatedText(column) for column in row[:count]]
        accounts = [
            self._parse(
                row[count + 1 + 2 * number],
                row[count + 2 + 2 * number],
                account_statement,
                account_statement.bind(values),
            )
            for number, account_statement in enumerate(statement.accounts)
        ]
        return texts, accounts

    def _parse(
        self, document: bytes, revision: int | None, statement: AccountStatement, params: tuple[object, ...]
    ) -> VisibleAccounts:
        accounts = parse_accounts(document)
        if revision is not None and text_size(params) <= _MAX_KEY_LENGTH:
            self._accounts.add((revision, statement.needs, params), accounts)
        return accounts
