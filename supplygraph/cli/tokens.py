"""`supplygraph token`: create, list, revoke."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from db.record.account_admin import account_names
from db.tokens import TokenNameTaken, TokenRecord, TokenRows
from domain.enums import Permission
from domain.errors import ConfigurationError
from supplygraph.auth.tokens import NewToken, make, parse_lifetime
from supplygraph.cli.common import ConfigOption, configured, console, exit_on_error, opened, run, table
from supplygraph.config.load import Configuration

app = typer.Typer(no_args_is_help=True, help="Who may ask, and what of.")
_LONGEST_NAME = 64


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The token's name; free again once revoked.")],
    allow: Annotated[
        list[Permission] | None, typer.Option(help="What it may do, once for each; read and refresh by default.")
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="The accounts that it sees, once for each; all by default.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it ends, as 90d or 12h; never by default.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make a token. It is printed once, alone on the last line; only its hash is kept."""
    configuration = configured(config)
    permissions = allow or [Permission.READ, Permission.REFRESH]
    token = run(_create(configuration, name, permissions, account, _lifetime(expires)))
    may = ", ".join(sorted(token.record.permissions))
    sees = ", ".join(sorted(token.record.accounts)) if token.record.accounts else "all accounts"
    ends = _shown(token.record.expires_at) if token.record.expires_at else "never"
    typer.echo(f"Token '{name}': may {may}; sees {sees}; expires {ends}. Keep it, it is not shown again:")
    typer.echo(token.text)


def _lifetime(text: str | None) -> timedelta | None:
    with exit_on_error():
        try:
            return None if text is None else parse_lifetime(text)
        except ValueError as error:
            raise ConfigurationError(f"--expires: {error}") from None


async def _create(
    configuration: Configuration,
    name: str,
    permissions: list[Permission],
    accounts: list[str] | None,
    lifetime: timedelta | None,
) -> NewToken:
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ConfigurationError(f"a token's name has 1 to {_LONGEST_NAME} letters and no space at its ends")
    token = make(name, permissions, accounts or None, datetime.now(UTC), lifetime)
    async with opened(configuration) as database:
        known = {each.name for each in configuration.settings.accounts} | set(await account_names(database.engine))
        for unknown in sorted(set(accounts or ()) - known):
            raise ConfigurationError(
                f"--account: no account is named '{unknown}'; known are: {', '.join(sorted(known)) or 'none'}"
            )
        try:
            await TokenRows(database.engine).add(token.record)
        except TokenNameTaken:
            raise ConfigurationError(
                f"a token named '{name}' is in use; revoke it first: supplygraph token revoke {name}"
            ) from None
    return token


@app.command("list")
def list_tokens(config: ConfigOption = None) -> None:
    """Show every token: what it may do, what it sees, until when."""
    records = run(_all(configured(config)))
    shown = table("name", "permissions", "accounts", "created", "expires", "state")
    now = datetime.now(UTC)
    for record in records:
        shown.add_row(
            record.name,
            ", ".join(sorted(record.permissions)),
            ", ".join(sorted(record.accounts)) if record.accounts is not None else "all",
            _shown(record.created_at),
            _shown(record.expires_at) if record.expires_at else "never",
            "revoked" if record.revoked_at else "valid" if record.valid_at(now) else "expired",
        )
    console().print(shown)


async def _all(configuration: Configuration) -> tuple[TokenRecord, ...]:
    async with opened(configuration) as database:
        return await TokenRows(database.engine).all()


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="The token's name.")], config: ConfigOption = None) -> None:
    """End a token; a running gateway refuses it within a second."""
    run(_revoke(configured(config), name))
    typer.echo(f"Token '{name}' is revoked.")


async def _revoke(configuration: Configuration, name: str) -> None:
    async with opened(configuration) as database:
        if not await TokenRows(database.engine).revoke(name, datetime.now(UTC)):
            raise ConfigurationError(f"no token named '{name}' is in use; see: supplygraph token list")


def _shown(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M UTC")
