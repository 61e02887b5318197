"""The command line of supplygraph: the top-level commands, and the banner of `serve`."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from supplygraph.cli import accounts, database, sync, tokens
from supplygraph.cli.common import ConfigOption, exit_on_error, load_configuration, replace_unknown_letters
from supplygraph.config.settings import Settings
from supplygraph.observability import logs

if TYPE_CHECKING:
    from supplygraph.serve import Started

app = typer.Typer(
    name="supplygraph",
    no_args_is_help=True,
    add_completion=False,
    # Rich's tracebacks show the values of variables, which may be secrets.
    pretty_exceptions_enable=False,
    help="A graph of all GPU machines and volumes that a team rents, on any cloud, fresh whenever you query it.",
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"supplygraph {version('supplygraph')}")
        raise typer.Exit


@app.callback()
def common_options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


app.add_typer(tokens.app, name="token")
app.add_typer(accounts.app, name="accounts")
app.add_typer(database.app, name="database")
app.command()(sync.sync)
app.command()(sync.check)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: server.host.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port to listen on; 0 selects a free port. Default: server.port."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Run the gateway. Without a configuration it runs on a simulated cloud."""
    from supplygraph.serve import serve as run_server  # noqa: PLC0415  # takes a second, and no other command needs it

    configuration = load_configuration(config)
    overrides = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = configuration.settings
    settings = settings.model_copy(update={"server": settings.server.model_copy(update=overrides)})
    logs.configure()
    with exit_on_error():
        run_server(settings, sandbox=configuration.empty, on_started=lambda started: _print_banner(started, settings))


@app.command()
def schema() -> None:
    """Print the GraphQL schema, for example to generate the code of a client."""
    from schema.build import build  # noqa: PLC0415  # takes half a second, and no other command needs it

    typer.echo(build().sdl, nl=False)


def _print_banner(started: Started, settings: Settings) -> None:
    for line in _sandbox_banner(started) if started.token else _banner(started, settings):
        typer.echo(line)


def _banner(started: Started, settings: Settings) -> list[str]:
    accounts = ", ".join(account.name for account in settings.accounts) or "none; add [[accounts]] to the configuration"
    return [
        f"supplygraph is listening on {started.address}/graphql",
        f"Accounts: {accounts}",
        "To create an access token, run: supplygraph token create NAME",
    ]


def _sandbox_banner(started: Started) -> list[str]:
    query = (
        "{ resources(first: 5) { nodes { name status vendorRegion account { name } freshness { state ageSeconds } } } }"
    )
    return [
        "",
        "  ======================================================================",
        "  SANDBOX: no account is configured, so these machines are simulated.",
        "  To use your own clouds, write supplygraph.toml as README.md describes.",
        "  ======================================================================",
        "",
        f"  GraphQL  {started.address}/graphql   (open it in a browser and enter the token)",
        f"  REST     {started.address}/resources/{{resource_id}}   (documentation: {started.address}/docs)",
        f"  Faults   {started.cloud}/_control/faults   (make the simulated cloud fail, see docs/operations.md)",
        f"  Token    {started.token}",
        "",
        "  Try a first query:",
        "",
        f"curl -s {started.address}/graphql -H 'Authorization: Bearer {started.token}' \\",
        f"  -H 'Content-Type: application/json' -d '{{\"query\": \"{query}\"}}'",
        "",
    ]


def main() -> None:
    """Run the command `supplygraph`."""
    replace_unknown_letters()
    app()
