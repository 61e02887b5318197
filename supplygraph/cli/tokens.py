"""`supplygraph token`: create, list and revoke access tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from db.record.account_admin import account_names
from db.tokens import TokenNameTaken, TokenRecord, TokenRows
from domain.enums import Permission
from domain.errors import ConfigurationError
from supplygraph.auth.tokens import NewToken, make, parse_lifetime
from supplygraph.cli.common import (
    ConfigOption,
    console,
    exit_on_error,
    load_configuration,
    make_table,
    open_database,
    run,
)
from supplygraph.config.load import Configuration

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke access tokens.")
_MAX_NAME_LENGTH = 64


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the token. A name can be reused after the token is revoked.")],
    allow: Annotated[
        list[Permission] | None,
        typer.Option(help="Permission of the token; may be repeated. Default: read and refresh."),
    ] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="Account that the token can see; may be repeated. Default: all accounts.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Lifetime of the token, such as 90d or 12h. Default: unlimited."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Create a token and print it on the last line. It is shown only once; the database stores only its hash."""
    configuration = load_configuration(config)
    permissions = allow or [Permission.READ, Permission.REFRESH]
    token, where = run(_create(configuration, name, permissions, account, _parse_expiry(expires)))
    permission_names = ", ".join(sorted(token.record.permissions))
    visible = ", ".join(sorted(token.record.accounts)) if token.record.accounts else "all"
    expiry = _format_time(token.record.expires_at) if token.record.expires_at else "never"
    typer.echo(
        f"Token '{name}' in {where}: permissions {permission_names}; accounts {visible}; expires {expiry}. "
        "Store the token now, it is not shown again:"
    )
    typer.echo(token.text)


def _parse_expiry(text: str | None) -> timedelta | None:
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
) -> tuple[NewToken, str]:
    """Return the token, and the database that stores it."""
    if not 0 < len(name) <= _MAX_NAME_LENGTH or not name.isprintable() or name != name.strip():
        raise ConfigurationError(
            f"the name of a token must have 1 to {_MAX_NAME_LENGTH} printable characters "
            "and must not begin or end with a space"
        )
    token = make(name, permissions, accounts or None, datetime.now(UTC), lifetime)
    async with open_database(configuration) as database:
        names = {account.name for account in configuration.settings.accounts}
        names |= set(await account_names(database.engine))
        for account in sorted(set(accounts or ()) - names):
            raise ConfigurationError(
                f"--account: no account is named '{account}'; existing accounts: {', '.join(sorted(names)) or 'none'}"
            )
        try:
            await TokenRows(database.engine).add(token.record)
        except TokenNameTaken:
            raise ConfigurationError(
                f"a valid token named '{name}' exists; revoke it first: supplygraph token revoke {name}"
            ) from None
        return token, str(database.file or "the database")


@app.command("list")
def list_tokens(config: ConfigOption = None) -> None:
    """List all tokens with their permissions, accounts, expiry and state."""
    records = run(_read_tokens(load_configuration(config)))
    table = make_table("name", "permissions", "accounts", "created", "expires", "state")
    now = datetime.now(UTC)
    for record in records:
        table.add_row(
            record.name,
            ", ".join(sorted(record.permissions)),
            ", ".join(sorted(record.accounts)) if record.accounts is not None else "all",
            _format_time(record.created_at),
            _format_time(record.expires_at) if record.expires_at else "never",
            "revoked" if record.revoked_at else "valid" if record.valid_at(now) else "expired",
        )
    console().print(table)


async def _read_tokens(configuration: Configuration) -> tuple[TokenRecord, ...]:
    async with open_database(configuration) as database:
        return await TokenRows(database.engine).all()


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Name of the token.")], config: ConfigOption = None) -> None:
    """Revoke a token. A running gateway rejects it within a second."""
    run(_revoke(load_configuration(config), name))
    typer.echo(f"Token '{name}' is revoked.")


async def _revoke(configuration: Configuration, name: str) -> None:
    async with open_database(configuration) as database:
        if not await TokenRows(database.engine).revoke(name, datetime.now(UTC)):
            raise ConfigurationError(
                f"no valid token is named '{name}'; to list all tokens, run: supplygraph token list"
            )


def _format_time(timestamp: datetime) -> str:
    return timestamp.strftime("%Y-%m-%d %H:%M UTC")
