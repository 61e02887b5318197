"""`supplygraph sync` and `supplygraph check`: list the clouds now, to record the result or only to test the access."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from domain.enums import ResourceKind, StaleReason
from domain.errors import ConfigurationError
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


@dataclass(frozen=True, slots=True)
class SyncedScope:
    """One scope after its sweep, and how many resources of it are recorded and not deleted."""

    scope: ScopeRecord
    outcome: FlightOutcome
    resources: int


def sync(
    account: Annotated[
        list[str] | None, typer.Option(help="Sync only this account; may be repeated. Default: all accounts.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """List all resources of the clouds, record them and show the result. A gateway may be running at the same time."""
    rows = run(_sync(load_configuration(config), account or []))
    console().print(_format_rows(rows))
    if any(row.outcome.reason is not None for row in rows):
        raise typer.Exit(EXIT_FAILURE)


async def _sync(configuration: Configuration, names: Sequence[str]) -> list[SyncedScope]:
    _check_names(configuration, names)
    gateway = assemble(configuration.settings)
    async with gateway.running(background=False):
        return await sync_scopes(gateway, names)


async def sync_scopes(gateway: Gateway, names: Sequence[str]) -> list[SyncedScope]:
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
    counts = await gateway.store.resource_counts()
    return [SyncedScope(scopes[key], outcome, counts.get(key, 0)) for key, outcome in zip(keys, outcomes, strict=True)]


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
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, disable=not terminal.is_terminal) as progress:
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


def _format_rows(rows: Sequence[SyncedScope]) -> Table:
    table = make_table("account", "kind", "region", "resources", "outcome", "problem")
    for row in rows:
        key, reason = row.scope.key, row.outcome.reason
        table.add_row(
            key.account,
            key.kind.value.lower(),
            key.region or "-",
            str(row.resources),
            "complete" if reason is None else reason.value,
            "" if reason is None else row.outcome.detail or row.scope.problem_detail or "",
        )
    return table


def check(config: ConfigOption = None) -> None:
    """Check the configuration and the access to every account. Prints one line per account, with advice on failures."""
    configuration = load_configuration(config)
    if not configuration.settings.accounts:
        cause = "so serve would run on the sandbox" if configuration.empty else "so serve would show no resources"
        typer.echo(f"The configuration is valid. No account is configured, {cause}; to add one, see README.md.")
        return
    results = [result for each in run(_check(configuration)) for result in each]
    for _, line in results:
        typer.echo(line)
    if not all(ok for ok, _ in results):
        raise typer.Exit(EXIT_FAILURE)


async def _check(configuration: Configuration) -> list[list[tuple[bool, str]]]:
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


async def _check_account(name: str, cloud: VendorCloud, seconds: float) -> list[tuple[bool, str]]:
    """List every scope of an account. Returns for each region whether its listings succeeded, and the line to print."""
    results = await asyncio.gather(*(_list_scope(cloud, scope, seconds) for scope in cloud.scopes))
    by_region: dict[str | None, list[tuple[ResourceKind, SweepResult]]] = {}
    for (kind, region), result in zip(cloud.scopes, results, strict=True):
        by_region.setdefault(region, []).append((kind, result))
    return [
        _check_line(f"{name} ({cloud.vendor})" + (f" in {region}" if region else ""), region_results)
        for region, region_results in by_region.items()
    ]


def _check_line(label: str, results: Sequence[tuple[ResourceKind, SweepResult]]) -> tuple[bool, str]:
    problem = next((result.problem for _, result in results if result.problem is not None), None)
    if problem is None:
        counts = ", ".join(f"{len(result.observations)} {kind.value.lower()}" for kind, result in results)
        return True, f"{label}: OK; {counts}"
    detail = problem.detail.rstrip(".")
    # Where the detail says what to do, general advice would only contradict it.
    advice = "" if ";" in detail else f"; {_ADVICE.get(problem.reason, _DEFAULT_ADVICE)}"
    return False, f"{label}: {problem.reason.value}: {detail}{advice}"


async def _list_scope(cloud: VendorCloud, scope: tuple[ResourceKind, str | None], seconds: float) -> SweepResult:
    try:
        return await asyncio.wait_for(cloud.sweep(*scope), seconds)
    except TimeoutError:
        problem = Problem(StaleReason.TIMED_OUT, f"the listing did not finish within {seconds:g} seconds")
        return SweepResult(SweepOutcome.FAILED, (), problem)
