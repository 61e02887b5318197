"""`supplygraph accounts`: how each account fares; and what the operator says of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from db.database import Database
from db.operator import confirm, rename
from db.reading import Readings
from domain.errors import ConfigurationError
from domain.instants import SystemClock, from_text
from domain.selection import Selected
from domain.viewer import Viewer
from domain.words import Permission
from reconcile.wants import Settlement, Want
from resolvers.reader import Reader
from supplygraph.cli_common import ConfigOption, configured, console, opened, run
from supplygraph.configuration import Configuration
from supplygraph.serving import alone

app = typer.Typer(invoke_without_command=True, help="How each account fares: state, ages, errors.")
_OPERATOR: Final = Viewer("operator", frozenset(Permission))


def _leaves(type_name: str, names: str) -> tuple[Selected, ...]:
    return tuple(Selected(name, type_name, name) for name in names.split())


_SCOPES: Final = Selected(
    "scopes",
    "VendorAccount",
    "scopes",
    {},
    _leaves("VendorScope", "kind region sweptAt resourceCount state reason nextAllowedAt"),
)
_ACCOUNTS: Final = Selected(
    "accounts", "Query", "accounts", {}, (*_leaves("VendorAccount", "name vendor state lastError"), _SCOPES)
)


class _NobodyAsked:
    """The record alone is read: nothing is demanded of any vendor."""

    async def settle(self, wants: Sequence[Want], arrived_at: float) -> Settlement:
        """Nothing."""
        return Settlement()

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


async def _read(configuration: Configuration) -> list[Mapping[str, Any]]:
    async with opened(configuration) as database:
        return await read_accounts(configuration, database)


async def read_accounts(configuration: Configuration, database: Database) -> list[Mapping[str, Any]]:
    """Every account as the graph tells it to an operator."""
    clock = SystemClock()
    rules = configuration.settings.freshness.rules()
    reader = Reader(Readings(database.engine), _NobodyAsked(), rules, clock, {}, {})
    answer = await reader.answer((_ACCOUNTS,), _OPERATOR, clock.now())
    told = answer.answers["accounts"]
    return told if isinstance(told, list) else []


def _table(accounts: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("account", "vendor", "state", "kind", "region", "resources", "swept", "scope", "last error")
    now = datetime.now(UTC)
    for account in accounts:
        head = (account["name"], account["vendor"], account["state"])
        for scope in account["scopes"] or [None]:
            if scope is None:
                table.add_row(*head)
                continue
            table.add_row(
                *head,
                scope["kind"].lower(),
                scope["region"] or "-",
                str(scope["resourceCount"]),
                _ago(scope["sweptAt"], now),
                scope["state"] + (f" ({scope['reason']})" if scope["reason"] else ""),
                account["lastError"] if head[0] else "",
            )
            head = ("", "", "")
    return table


def _ago(instant: str | None, now: datetime) -> str:
    return "never" if instant is None else f"{max(0, round((now - from_text(instant)).total_seconds()))} s ago"


@app.command("confirm")
def confirm_account(context: typer.Context, name: Annotated[str, typer.Argument(help="The account's name.")]) -> None:
    """Say that what an account's suspect scopes show is true: what they lack is judged by the ordinary rules again."""
    count = run(_confirm(configured(context.obj), name))
    typer.echo(
        f"Account '{name}': {count} suspect scopes are confirmed."
        if count
        else f"Account '{name}': nothing is suspect."
    )


async def _confirm(configuration: Configuration, name: str) -> int:
    async with opened(configuration) as database:
        return await confirm(database.engine, name)


@app.command("rename")
def rename_account(
    context: typer.Context,
    old: Annotated[str, typer.Argument(help="The name in the record.")],
    new: Annotated[str, typer.Argument(help="The name from now on; write it into the configuration as well.")],
) -> None:
    """Give an account another name; its record and the tokens that see it go with it. Stop `serve` first."""
    run(_rename(configured(context.obj), old, new))
    typer.echo(f"Account '{old}' is now '{new}'. Write the new name into the configuration before the next serve.")


async def _rename(configuration: Configuration, old: str, new: str) -> None:
    if not new or not new.isprintable() or new != new.strip():
        raise ConfigurationError("an account's name is not empty and has no space at its ends")
    async with opened(configuration) as database:
        # A running gateway draws its flights' numbers by the old name.
        with alone(database.file):
            await rename(database.engine, old, new)
