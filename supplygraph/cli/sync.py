"""`supplygraph sync` and `supplygraph check`: list the clouds now, to record the result or only to test the access."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from domain.enums import ResourceKind, StaleReason
from domain.errors import ConfigurationError, SupplygraphError
from domain.records.model import ScopeKey, ScopeRecord
from domain.records.observation import Problem, SweepOutcome, SweepResult
from reconcile.flights import FlightOutcome
from supplygraph.cli.common import EXIT_FAILURE, ConfigOption, console, load_configuration, make_table, run
from supplygraph.config.load import Configuration
from supplygraph.gateway import Gateway, assemble, flight_seconds
from vendors.client.cloud import VendorCloud

_ADVICE: Final[Mapping[StaleReason, str]] = MappingProxyType({
    StaleReason.AUTH_REJECTED: "check the account's credentials and their permission to list machines and volumes",
    StaleReason.VENDOR_DOWN: "check the network and the account's endpoint, or wait for the vendor",
    StaleReason.TIMED_OUT: "check the network, or raise flight_seconds",
    StaleReason.RATE_LIMITED: "wait; other tools may be using up the account's rate limits",
    StaleReason.MALFORMED_ANSWER: "check the account's endpoint; its response is not one that the vendor documents",
    StaleReason.PARTIAL_SWEEP: "try again; the listing ended early",
})  # fmt: skip
_DEFAULT_ADVICE: Final = "check the account in the vendor's console"

Row = tuple[ScopeRecord, FlightOutcome]


def sync(
    account: Annotated[
        list[str] | None, typer.Option(help="Sync only this account; may be repeated. Default: all accounts.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """List all resources of the clouds, record them and show the result. A gateway may be running at the same time."""
    rows = run(_sync(load_configuration(config), account or []))
    console().print(_format_rows(rows))
    if any(outcome.reason is not None or outcome.error is not None for _, outcome in rows):
        raise typer.Exit(EXIT_FAILURE)


async def _sync(configuration: Configuration, names: Sequence[str]) -> list[Row]:
    _check_names(configuration, names)
    gateway = assemble(configuration.settings)
    async with gateway.running(background=False):
        return await sync_scopes(gateway, names)


async def sync_scopes(gateway: Gateway, names: Sequence[str]) -> list[Row]:
    """Sweep every scope of these accounts, or of all, and probe what is missing. Return each scope and its outcome."""
    keys = [
        ScopeKey(setup.name, kind, region)
        for setup in gateway.setups
        if not names or setup.name in names
        for kind, region in setup.scopes
    ]
    outcomes = await _sweep_all(gateway, keys)
    # No other process may ever probe: without these probes a run from cron would find fewer deletions, and later.
    await gateway.reconciler.wait_for_probes()
    scopes = {scope.key: scope for scope in await gateway.store.scopes()}
    return [(scopes[key], outcome) for key, outcome in zip(keys, outcomes, strict=True)]


def _check_names(configuration: Configuration, names: Sequence[str]) -> None:
    """Raise ConfigurationError if there is no account, or none with one of these names."""
    configured_names = [account.name for account in configuration.settings.accounts]
    if not configured_names:
        raise ConfigurationError("no account is configured; add [[accounts]] to supplygraph.toml")
    for name in names:
        if name not in configured_names:
            raise ConfigurationError(
                f"--account: no account is named '{name}'; configured accounts: {', '.join(configured_names)}"
            )


async def _sweep_all(gateway: Gateway, keys: Sequence[ScopeKey]) -> list[FlightOutcome]:
    """Sweep all scopes concurrently and show the progress on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bars: dict[str, TaskID] = {}
        for key in keys:
            if key.account not in bars:
                total = sum(other.account == key.account for other in keys)
                bars[key.account] = progress.add_task(key.account, total=total)

        async def sweep(key: ScopeKey) -> FlightOutcome:
            outcome = await gateway.reconciler.sweep(key)
            progress.advance(bars[key.account])
            return outcome

        return list(await asyncio.gather(*(sweep(key) for key in keys)))


def _format_rows(rows: Sequence[Row]) -> Table:
    table = make_table("account", "kind", "region", "resources", "outcome", "problem")
    for scope, outcome in rows:
        table.add_row(
            scope.key.account,
            scope.key.kind.value.lower(),
            scope.key.region or "-",
            str(scope.held),
            *_format_outcome(scope, outcome),
        )
    return table


def _format_outcome(scope: ScopeRecord, outcome: FlightOutcome) -> tuple[str, str]:
    """Return the outcome of a sweep and its problem. An error of ours is never shown as success."""
    if outcome.error is not None:
        is_safe = isinstance(outcome.error, SupplygraphError)
        detail = str(outcome.error) if is_safe else f"{type(outcome.error).__name__}; see the log"
        return "NOT RECORDED", f"the result could not be written to the database: {detail}"
    if outcome.reason is None:
        return "complete", ""
    return outcome.reason.value, scope.problem_detail or ""


def check(config: ConfigOption = None) -> None:
    """Check the configuration and the access to every account. Prints one line per account, with advice on failures."""
    configuration = load_configuration(config)
    if not configuration.settings.accounts:
        typer.echo("The configuration is valid. No account is configured, so serve would run on the sandbox.")
        return
    results = run(_check(configuration))
    for _, line in results:
        typer.echo(line)
    if not all(ok for ok, _ in results):
        raise typer.Exit(EXIT_FAILURE)


async def _check(configuration: Configuration) -> list[tuple[bool, str]]:
    gateway = assemble(configuration.settings)
    settings = configuration.settings
    seconds = {account.name: flight_seconds(account, settings) for account in settings.accounts}
    try:
        checks = (_check_account(name, cloud, seconds[name]) for name, cloud in gateway.clouds.items())
        return list(await asyncio.gather(*checks))
    finally:
        await asyncio.gather(*(cloud.close() for cloud in gateway.clouds.values()))
        await gateway.queries.close()
        await gateway.database.close()


async def _check_account(name: str, cloud: VendorCloud, seconds: float) -> tuple[bool, str]:
    """List every scope of an account. Returns whether all listings succeeded, and the line to print."""
    results = await asyncio.gather(*(_list_scope(cloud, scope, seconds) for scope in cloud.scopes))
    problem = next((result.problem for result in results if result.problem is not None), None)
    if problem is not None:
        advice = _ADVICE.get(problem.reason, _DEFAULT_ADVICE)
        return False, f"{name} ({cloud.vendor}): {problem.reason.value}: {problem.detail.rstrip('.')}; {advice}"
    counts = ", ".join(
        f"{len(result.observations)} {kind.value.lower()}" + (f" in {region}" if region else "")
        for (kind, region), result in zip(cloud.scopes, results, strict=True)
    )
    return True, f"{name} ({cloud.vendor}): OK; {counts}"


async def _list_scope(cloud: VendorCloud, scope: tuple[ResourceKind, str | None], seconds: float) -> SweepResult:
    try:
        return await asyncio.wait_for(cloud.sweep(*scope), seconds)
    except TimeoutError:
        problem = Problem(StaleReason.TIMED_OUT, f"the listing did not finish within {seconds:g} seconds")
        return SweepResult(SweepOutcome.FAILED, (), problem)
