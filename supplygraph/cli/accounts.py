"""`supplygraph accounts`: how each account fares; and what the operator says of one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from db.database import Database
from db.query import Readings
from db.record.account_admin import rename, require_account
from db.record.store import Store
from domain.enums import StaleReason
from domain.errors import ConfigurationError
from domain.timestamps import SystemClock, from_text
from reconcile.confirmation import Confirmation, confirm
from reconcile.requests import RefreshRequest, RefreshResult
from reconcile.rules.absence import EvidenceWindows
from reconcile.rules.decision import Credential
from resolvers.reader import Reader
from supplygraph.cli.common import ConfigOption, configured, console, opened, run, table
from supplygraph.config.load import Configuration
from supplygraph.observability.account_status import account_status
from supplygraph.serve_lock import serve_lock
from vendors import registry

app = typer.Typer(invoke_without_command=True, help="How each account fares: state, ages, errors.")
_SPENT: Final = {StaleReason.BUDGET_SPENT.value: "spent", StaleReason.RATE_LIMITED.value: "the vendor's limit"}
_HEADS: Final = (
    *("account", "vendor", "state", "kind", "region", "resources", "missing"),
    *("last complete sweep", "scope", "breaker", "budget", "last error"),
)
_RECORD_ALONE: Final = (
    "This is what the record knows. Calls left and calls saved are known to a running serve alone: "
    "ask its graph for accounts { budget { remaining resetsAt } calls { made saved } }, or read its /metrics."
)


class _NobodyAsked:
    """The record alone is read: nothing is demanded of any vendor."""

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Nothing."""
        return RefreshResult()

    def read(self, account: str) -> None:
        """Nobody listens."""


@app.callback()
def show(context: typer.Context, config: ConfigOption = None) -> None:
    """Show how each account fares, as the record has it."""
    context.obj = config
    if context.invoked_subcommand is None:
        told = run(_read(configured(config)))
        console().print(
            _table(told) if told else "No account is recorded yet: run supplygraph serve, or supplygraph sync."
        )
        if told:
            typer.echo(_RECORD_ALONE)


async def _read(configuration: Configuration) -> list[Mapping[str, Any]]:
    async with opened(configuration) as database:
        return await read_accounts(configuration, database)


async def read_accounts(configuration: Configuration, database: Database) -> list[Mapping[str, Any]]:
    """Every account as the graph tells it to an operator."""
    clock = SystemClock()
    rules = configuration.settings.freshness.rules()
    reader = Reader(Readings(database.engine), _NobodyAsked(), rules, clock, {}, {})
    return await account_status(reader, clock.now())


def _table(accounts: Sequence[Mapping[str, Any]]) -> Table:
    shown = table(*_HEADS)
    now = datetime.now(UTC)
    for account in accounts:
        head = (account["name"], account["vendor"], account["state"])
        for scope in account["scopes"] or [None]:
            if scope is None:
                shown.add_row(*head)
                continue
            shown.add_row(
                *head,
                scope["kind"].lower(),
                scope["region"] or "-",
                str(scope["resourceCount"]),
                str(scope["missingCount"]),
                _ago(scope["sweptAt"], now),
                scope["state"] + (f" ({scope['reason']})" if scope["reason"] else ""),
                _breaker(scope, now),
                _SPENT.get(scope["reason"], "-") if scope["nextAllowedAt"] else "-",
                account["lastError"] if head[0] else "",
            )
            head = ("", "", "")
    return shown


def _ago(instant: str | None, now: datetime) -> str:
    if instant is None:
        return "never"
    return f"{instant[:19]}Z, {max(0, round((now - from_text(instant)).total_seconds()))} s ago"


def _breaker(scope: Mapping[str, Any], now: datetime) -> str:
    held = scope["nextAllowedAt"]
    seconds = None if held is None else math.ceil((from_text(held) - now).total_seconds())
    return str(scope["breaker"]) + (f", {seconds} s more" if seconds is not None and seconds > 0 else "")


@app.command("confirm")
def confirm_account(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The account's name.")],
    config: ConfigOption = None,
) -> None:
    """Say that what an account's suspect scopes show is true: what they lack is deleted, and new credentials are adopted."""
    told = run(_confirm(configured(config or context.obj), name))
    typer.echo(
        f"Account '{name}': {told.scopes} suspect scopes are confirmed; {told.deleted} resources are deleted."
        if told.scopes
        else f"Account '{name}': nothing is suspect."
    )
    if told.too_young:
        typer.echo(
            f"{told.too_young} more are missing from a listing that was sent within their grace period: "
            "sync when it is over, and confirm again if they are still missing."
        )


async def _confirm(configuration: Configuration, name: str) -> Confirmation:
    settings, clock = configuration.settings, SystemClock()
    async with opened(configuration) as database:
        await require_account(database.engine, name)
        account = next((each for each in settings.accounts if each.name == name), None)
        if account is None:
            raise ConfigurationError(f"account '{name}' is not configured, so there is nothing to confirm of it")
        cloud = registry.build(account.vendor, account.name, account.own, account.endpoint, clock=clock)
        try:
            credential = Credential(token_hex(8), cloud.fingerprint)
            return await confirm(
                Store(database.engine, clock), name, credential, EvidenceWindows(settings.absence.rules())
            )
        finally:
            await cloud.close()


@app.command("rename")
def rename_account(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="The name in the record.")],
    new: Annotated[str, typer.Argument(help="The name from now on; write it into the configuration as well.")],
    config: ConfigOption = None,
) -> None:
    """Give an account another name; its record and the tokens that see it go with it. Stop `serve` first."""
    run(_rename(configured(config or context.obj), old, new))
    typer.echo(f"Account '{old}' is now '{new}'. Write the new name into the configuration before the next serve.")


async def _rename(configuration: Configuration, old: str, new: str) -> None:
    if not new or not new.isprintable() or new != new.strip():
        raise ConfigurationError("an account's name is not empty and has no space at its ends")
    async with opened(configuration) as database:
        # A running gateway draws its flights' numbers by the old name.
        with serve_lock(database.file):
            await rename(database.engine, old, new)
