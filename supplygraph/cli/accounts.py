"""`supplygraph accounts`: show the state of every account, confirm suspect scopes, and rename accounts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from db.connections import EngineReader
from db.query.reader import QueryReader
from db.query.sql.statement import StatementCompiler
from db.record.account_admin import rename, require_account
from db.record.store import Store
from domain.enums import StaleReason
from domain.errors import ConfigurationError
from domain.timestamps import SystemClock, from_text
from reconcile.confirmation import Confirmation, confirm
from reconcile.requests import RefreshRequest, RefreshResult
from reconcile.rules.decision import Credential
from resolvers.freshness.evaluation import FreshnessContext
from resolvers.operation.compile_worker import CompileWorker
from resolvers.reader import Reader
from supplygraph.cli.common import ConfigOption, console, load_configuration, make_table, open_database, run
from supplygraph.config.load import Configuration
from supplygraph.observability.account_status import AccountStatus
from supplygraph.serve_lock import serve_lock
from vendors import registry

app = typer.Typer(
    invoke_without_command=True, help="Show the state of every account, confirm suspect scopes, rename accounts."
)
_BUDGET_TEXTS: Final = {
    StaleReason.BUDGET_SPENT.value: "used up",
    StaleReason.RATE_LIMITED.value: "limited by the vendor",
}
_HEADINGS: Final = (
    *("account", "vendor", "state", "kind", "region", "resources", "missing"),
    *("last complete sweep", "scope state", "breaker", "budget", "last error"),
)
_NO_ACCOUNTS: Final = "The database contains no accounts. Run supplygraph serve or supplygraph sync first."
_RUNTIME_HINT: Final = (
    "This table shows recorded data. Only a running gateway knows the remaining calls and the saved calls: "
    "query accounts { budget { remaining resetsAt } calls { made saved } }, or read /metrics."
)


class _NoRefresh:
    """Makes the reader answer from the database only, without vendor calls."""

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Refresh nothing."""
        return RefreshResult()

    def read(self, account: str) -> None:
        """Ignore that an account was read."""


@app.callback()
def show(context: typer.Context, config: ConfigOption = None) -> None:
    """Show the state of every account from the recorded data."""
    context.obj = config
    if context.invoked_subcommand is not None:
        return
    accounts = run(_read_accounts(load_configuration(config)))
    if not accounts:
        typer.echo(_NO_ACCOUNTS)
        return
    console().print(_format_accounts(accounts))
    typer.echo(_RUNTIME_HINT)


async def _read_accounts(configuration: Configuration) -> list[Mapping[str, Any]]:
    """Return every account with its scopes, as the graph returns them to a token with `admin`."""
    clock = SystemClock()
    freshness = FreshnessContext(configuration.settings.freshness.rules(), {}, {})
    async with open_database(configuration) as database:
        dialect, worker = database.engine.dialect, CompileWorker()
        queries = QueryReader(EngineReader(database.engine, database.settings.statement_seconds), dialect)
        try:
            reader = Reader(queries, StatementCompiler(dialect), worker, _NoRefresh(), freshness, clock)
            return await AccountStatus(reader).read(clock.now())
        finally:
            worker.close()


def _format_accounts(accounts: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table with one row per scope. The account's own cells are filled in its first row only."""
    table = make_table(*_HEADINGS)
    now = datetime.now(UTC)
    for account in accounts:
        head = (account["name"], account["vendor"], account["state"])
        if not account["scopes"]:
            table.add_row(*head)
        for number, scope in enumerate(account["scopes"]):
            first = number == 0
            table.add_row(
                *(head if first else ("", "", "")),
                *_format_scope(scope, now),
                account["lastError"] if first else "",
            )
    return table


def _format_scope(scope: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    return (
        scope["kind"].lower(),
        scope["region"] or "-",
        str(scope["resourceCount"]),
        str(scope["missingCount"]),
        _format_age(scope["sweptAt"], now),
        scope["state"] + (f" ({scope['reason']})" if scope["reason"] else ""),
        _format_breaker(scope, now),
        _BUDGET_TEXTS.get(scope["reason"], "-") if scope["nextAllowedAt"] else "-",
    )


def _format_age(timestamp: str | None, now: datetime) -> str:
    if timestamp is None:
        return "never"
    seconds = max(0, round((now - from_text(timestamp)).total_seconds()))
    return f"{timestamp[:19]}Z, {seconds} s ago"


def _format_breaker(scope: Mapping[str, Any], now: datetime) -> str:
    timestamp = scope["nextAllowedAt"]
    seconds = 0 if timestamp is None else math.ceil((from_text(timestamp) - now).total_seconds())
    return str(scope["breaker"]) + (f", retry in {seconds} s" if seconds > 0 else "")


@app.command("confirm")
def confirm_account(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the account.")],
    config: ConfigOption = None,
) -> None:
    """Accept what the listings of an account show: missing resources become deleted, new credentials are accepted."""
    result = run(_confirm(load_configuration(config or context.obj), name))
    if result == Confirmation():
        typer.echo(f"Account '{name}': nothing is suspect or missing.")
        return
    scopes = f"confirmed {_count(result.scopes, 'suspect scope')}, " if result.scopes else ""
    typer.echo(f"Account '{name}': {scopes}deleted {_count(result.deleted, 'resource')}.")
    if result.too_young:
        typer.echo(
            f"Not deleted: {_count(result.too_young, 'missing resource')} within the grace period. After it ends, run "
            f"supplygraph sync, and supplygraph accounts confirm {name} again if they are still missing."
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


async def _confirm(configuration: Configuration, name: str) -> Confirmation:
    settings, clock = configuration.settings, SystemClock()
    async with open_database(configuration) as database:
        await require_account(database.engine, name)
        account = next((account for account in settings.accounts if account.name == name), None)
        if account is None:
            raise ConfigurationError(
                f"account '{name}' is not configured; add it to [[accounts]] to confirm what its vendor lists"
            )
        cloud = registry.build(account.vendor, account.name, account.own, account.endpoint, clock=clock)
        try:
            credential = Credential(token_hex(8), cloud.fingerprint)
            return await confirm(Store(database.engine, clock), name, credential, settings.absence.rules())
        finally:
            await cloud.close()


@app.command("rename")
def rename_account(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="Name of the account in the database.")],
    new: Annotated[str, typer.Argument(help="New name. Change it in the configuration as well.")],
    config: ConfigOption = None,
) -> None:
    """Rename an account, together with its recorded data and the tokens that see it. Stop `supplygraph serve` first."""
    run(_rename(load_configuration(config or context.obj), old, new))
    typer.echo(f"Account '{old}' is now '{new}'. Change the name in the configuration before you start serve again.")


async def _rename(configuration: Configuration, old: str, new: str) -> None:
    if not new or not new.isprintable() or new != new.strip():
        raise ConfigurationError(
            "the new name must not be empty, contain control characters, or begin or end with a space"
        )
    async with open_database(configuration) as database:
        # A running gateway finds the row that numbers its flights by the old name.
        with serve_lock(database.file):
            await rename(database.engine, old, new)
