"""The command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from supplygraph.cli import accounts, sync, tokens
from supplygraph.cli.common import ConfigOption, configured, exit_on_error
from supplygraph.config.settings import Settings
from supplygraph.observability import logs

if TYPE_CHECKING:
    from supplygraph.serve import Started

app = typer.Typer(
    name="supplygraph",
    no_args_is_help=True,
    add_completion=False,
    # Rich's tracebacks show the values of variables, secrets among them.
    pretty_exceptions_enable=False,
    help="One graph over every GPU machine and volume a team rents, from whichever cloud, fresh when you look.",
)
app.add_typer(tokens.app, name="token")
app.add_typer(accounts.app, name="accounts")
app.command()(sync.sync)
app.command()(sync.check)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on; else server.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="The port; else server.port. 0 takes a free one.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Run the gateway; on a simulated cloud of our own where nothing is configured."""
    from supplygraph.serve import serve as run_server  # noqa: PLC0415  # a second, which no other command needs

    configuration = configured(config)
    given = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    settings = configuration.settings
    settings = settings.model_copy(update={"server": settings.server.model_copy(update=given)})
    logs.configure()
    with exit_on_error():
        run_server(settings, sandbox=configuration.empty, on_started=lambda started: _welcome(started, settings))


def _welcome(started: Started, settings: Settings) -> None:
    for line in _sandbox_lines(started) if started.token else _lines(started, settings):
        typer.echo(line)


def _lines(started: Started, settings: Settings) -> list[str]:
    accounts = (
        ", ".join(account.name for account in settings.accounts) or "none; write [[accounts]] into the configuration"
    )
    return [
        f"supplygraph serves {started.address}/graphql",
        f"Accounts: {accounts}",
        "A token to ask with: supplygraph token create NAME",
    ]


def _sandbox_lines(started: Started) -> list[str]:
    question = (
        "{ resources(first: 5) { nodes { name status vendorRegion account { name } freshness { state ageSeconds } } } }"
    )
    return [
        "",
        "  =====================================================================",
        "  SANDBOX: nothing is configured, so these machines are simulated ones.",
        "  For your own clouds write supplygraph.toml; README.md shows how.",
        "  =====================================================================",
        "",
        f"  Graph   {started.address}/graphql   (open it in a browser, give it the token)",
        f"  REST    {started.address}/resources/{{resource_id}}, described at {started.address}/docs",
        f"  Cloud   {started.cloud}/_control/faults   (the simulated one: make it fail, see docs/operations.md)",
        f"  Token   {started.token}",
        "",
        "  A first question:",
        "",
        f"curl -s {started.address}/graphql -H 'Authorization: Bearer {started.token}' \\",
        f"  -H 'Content-Type: application/json' -d '{{\"query\": \"{question}\"}}'",
        "",
    ]


def main() -> None:
    """The entry point of the command `supplygraph`."""
    app()
