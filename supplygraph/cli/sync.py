"""`supplygraph sync` and `supplygraph check`: ask the clouds now, into the record or only to see whether they answer."""

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
from domain.errors import ConfigurationError
from domain.records.model import ScopeKey, ScopeRecord
from domain.records.observation import Problem, SweepOutcome, SweepResult
from reconcile.flights import FlightOutcome
from supplygraph.cli.common import TROUBLE, ConfigOption, configured, console, run, table
from supplygraph.config.load import Configuration
from supplygraph.gateway import Gateway, assemble, flight_seconds
from vendors.client.cloud import VendorCloud

_CURES: Final[Mapping[StaleReason, str]] = MappingProxyType({
    StaleReason.AUTH_REJECTED: "check the account's credentials, and that they may list machines and volumes",
    StaleReason.VENDOR_DOWN: "check the network and the account's endpoint, or wait for the vendor",
    StaleReason.TIMED_OUT: "check the network, or raise flight_seconds",
    StaleReason.RATE_LIMITED: "wait; other tools may be using the account's limits",
    StaleReason.MALFORMED_ANSWER: "check the account's endpoint: what answers there does not speak as the vendor does",
    StaleReason.PARTIAL_SWEEP: "try again; the listing ended early",
})  # fmt: skip


def sync(
    account: Annotated[list[str] | None, typer.Option(help="Only this account, once for each; all by default.")] = None,
    config: ConfigOption = None,
) -> None:
    """Ask the clouds now and record what they tell; then show what was found. Works beside a running gateway."""
    rows = run(_sync(_with_accounts(configured(config), account), account))
    console().print(_found(rows))
    if any(outcome.reason is not None for _, outcome in rows):
        raise typer.Exit(TROUBLE)


def _with_accounts(configuration: Configuration, wanted: list[str] | None) -> Configuration | ConfigurationError:
    names = [each.name for each in configuration.settings.accounts]
    if not names:
        return ConfigurationError("no account is configured; write [[accounts]] into supplygraph.toml")
    unknown = [name for name in wanted or () if name not in names]
    if unknown:
        return ConfigurationError(f"--account: no account is named '{unknown[0]}'; configured are: {', '.join(names)}")
    return configuration


Row = tuple[ScopeRecord, FlightOutcome]


async def _sync(configuration: Configuration | ConfigurationError, wanted: list[str] | None) -> list[Row]:
    if isinstance(configuration, ConfigurationError):
        raise configuration
    gateway = assemble(configuration.settings)
    async with gateway.running(background=False):
        keys = [
            ScopeKey(setup.name, kind, region)
            for setup in gateway.setups
            if not wanted or setup.name in wanted
            for kind, region in setup.scopes
        ]
        outcomes = await _swept(gateway, keys)
        scopes = {scope.key: scope for scope in await gateway.store.scopes()}
        return [(scopes[key], outcome) for key, outcome in zip(keys, outcomes, strict=True)]


async def _swept(gateway: Gateway, keys: Sequence[ScopeKey]) -> list[FlightOutcome]:
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


def _found(rows: Sequence[Row]) -> Table:
    found = table("account", "kind", "region", "resources", "outcome", "what was wrong")
    for scope, outcome in rows:
        found.add_row(
            scope.key.account,
            scope.key.kind.value.lower(),
            scope.key.region or "-",
            str(scope.held),
            "complete" if outcome.reason is None else outcome.reason.value,
            (scope.problem_detail or "") if outcome.reason is not None else "",
        )
    return found


def check(config: ConfigOption = None) -> None:
    """Check the configuration, and each account by asking its cloud; one line an account, with the cure."""
    configuration = configured(config)
    if not configuration.settings.accounts:
        typer.echo("The configuration is sound. No account is configured: serve would run on the sandbox.")
        return
    lines = run(_check(configuration))
    for _, line in lines:
        typer.echo(line)
    if not all(well for well, _ in lines):
        raise typer.Exit(TROUBLE)


async def _check(configuration: Configuration) -> list[tuple[bool, str]]:
    gateway = assemble(configuration.settings)
    settings = configuration.settings
    seconds = {account.name: flight_seconds(account, settings) for account in settings.accounts}
    try:
        checks = (_checked(name, cloud, seconds[name]) for name, cloud in gateway.clouds.items())
        return list(await asyncio.gather(*checks))
    finally:
        await asyncio.gather(*(cloud.close() for cloud in gateway.clouds.values()))
        await gateway.queries.close()
        await gateway.database.close()


async def _checked(name: str, cloud: VendorCloud, seconds: float) -> tuple[bool, str]:
    results = await asyncio.gather(*(_one(cloud, scope, seconds) for scope in cloud.scopes))
    problem = next((result.problem for result in results if result.problem is not None), None)
    if problem is not None:
        cure = _CURES.get(problem.reason, "see the account's own console")
        return False, f"{name} ({cloud.vendor}): {problem.reason.value}: {problem.detail.rstrip('.')}; {cure}"
    found = ", ".join(
        f"{len(result.observations)} {kind.value.lower()}" + (f" in {region}" if region else "")
        for (kind, region), result in zip(cloud.scopes, results, strict=True)
    )
    return True, f"{name} ({cloud.vendor}): well; {found}"


async def _one(cloud: VendorCloud, scope: tuple[ResourceKind, str | None], seconds: float) -> SweepResult:
    try:
        return await asyncio.wait_for(cloud.sweep(*scope), seconds)
    except TimeoutError:
        return SweepResult(
            SweepOutcome.FAILED, (), Problem(StaleReason.TIMED_OUT, f"no whole answer in {seconds:g} seconds")
        )
