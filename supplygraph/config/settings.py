"""The settings of the gateway as models. `supplygraph.config.load` fills them; this module reads no file or variable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    SerializeAsAny,
    model_validator,
)

from db.engine import ConnectionSettings
from domain.enums import ResourceKind
from domain.rules import AbsenceRules, FreshnessRules, OperationLimits
from vendors.base import VendorSettings
from vendors.client.rate_limits import SHARE

Seconds = Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**12)]


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("is not an origin; write only scheme and host, such as https://portal.example.com")
    return text


def _account_name(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must not contain control characters, or begin or end with a space")
    return text


Origin = Annotated[str, AfterValidator(_origin)]
AccountName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_account_name)]


class Section(BaseModel):
    """A table of the configuration. Unknown keys are errors, and values are not converted between types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ServerSettings(Section):
    """Where the gateway listens, and which other origins may call it from a browser."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 selects a free port.")
    allowed_origins: list[Origin] = Field(
        default_factory=list,
        description="Origins whose pages may call `/graphql` and `/resources` (CORS). Cookies are never used.",
    )


class DatabaseSettings(Section):
    """The database and its connections. `limits.statement_seconds` limits statements that read."""

    url: SecretStr = Field(
        SecretStr("sqlite+aiosqlite:///supplygraph.db"),
        strict=False,
        description=(
            "`sqlite+aiosqlite:///FILE`, `postgresql+asyncpg://USER:PASSWORD@HOST/NAME` or "
            "`postgresql+asyncpg://USER@/NAME?host=/SOCKET/FOLDER`; or `env:NAME` or `file:PATH`, which contains such a URL."
        ),
    )
    pool_size: int = Field(
        10,
        ge=1,
        le=1_000,
        description=(
            "Maximum number of connections that one process uses for reading; "
            "it uses at most as many again for everything else."
        ),
    )
    pool_wait_seconds: PositiveSeconds = Field(5, description="How long a request waits for a free connection.")
    connect_seconds: PositiveSeconds = Field(5, description="How long PostgreSQL may take to accept a connection.")
    write_seconds: PositiveSeconds = Field(
        60, description="Time limit of a statement that writes on PostgreSQL, including the wait for locks."
    )


class FreshnessSettings(Section):
    """How old values may be, how long reads wait for a refresh, and how failed sweeps are delayed. All in seconds."""

    cooldown_seconds: Seconds = Field(
        30, description="Default max age: how old a live value may be before a read refreshes it."
    )
    floor_seconds: Seconds = Field(
        5, description="Lowest max age that a token without the permission `refresh` may request."
    )
    deadline_seconds: Seconds = Field(10, description="Default max wait: how long a read waits for a refresh.")
    deadline_max_seconds: Seconds = Field(60, description="Longest max wait that a request may set.")
    flight_seconds: PositiveSeconds = Field(
        30, description="Time limit of a whole flight, including retries and slow response bodies."
    )
    error_hold_seconds: Seconds = Field(
        5, description="How long a failed sweep is not repeated; doubles with each failure, with jitter."
    )
    error_hold_max_seconds: Seconds = Field(60, description="Upper limit of `error_hold_seconds` while it doubles.")
    force_gap_seconds: Seconds = Field(2, description="Minimum time between two forced sweeps of one scope.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for low, high in (
            ("deadline_seconds", "deadline_max_seconds"),
            ("error_hold_seconds", "error_hold_max_seconds"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} must not be larger than {high}")
        return self

    def rules(self) -> FreshnessRules:
        """Return the rules that the reconciler and the reader use."""
        return FreshnessRules(**{field.name: getattr(self, field.name) for field in fields(FreshnessRules)})


class AbsenceSettings(Section):
    """How much evidence is required before a missing resource is recorded as deleted."""

    grace_seconds: Seconds = Field(
        120,
        description=(
            "How long after its first sighting a missing resource is not recorded as deleted. "
            "It is still marked as missing at once."
        ),
    )
    witness_seconds: Seconds = Field(
        120, description="Minimum time between the two listings that confirm a deletion if no probe can confirm it."
    )
    suspect_seconds: Seconds = Field(
        900,
        description="How long three listings must agree in a suspect scope, or where probes answer in unknown words.",
    )
    probes_per_flight: Count = Field(20, description="Maximum number of missing resources that one flight probes.")

    def rules(self) -> AbsenceRules:
        """Return the rules that the reconciler uses."""
        return AbsenceRules(**{field.name: getattr(self, field.name) for field in fields(AbsenceRules)})


class HistorySettings(Section):
    """How long changes are retained."""

    keep_days: int = Field(
        90, ge=1, le=36_500, description="Days of history; tombstones are retained for the same time."
    )


class LimitSettings(Section):
    """How large an operation may be. Counted after fragments are expanded and before anything is executed."""

    tokens: Count = Field(2_000, description="Maximum number of tokens in the text of an operation.")
    fields: Count = Field(500, description="Maximum number of fields in an operation.")
    depth: Count = Field(12, description="Maximum depth of an operation, not counting introspection.")
    introspection_depth: Count = Field(24, description="Maximum depth of introspection in an operation.")
    root_fields: Count = Field(20, description="Maximum number of root fields in an operation.")
    forced: Count = Field(
        5, description="Maximum number of root fields with `forceRefresh: true` or `maxAgeSeconds: 0`."
    )
    nodes: Count = Field(
        20_000, description="Maximum number of nodes: nested page sizes multiplied, with 10 for each list of links."
    )
    links_depth: int = Field(
        4, ge=1, le=4, description="Maximum number of nested link lists; SQLite cannot parse deeper statements."
    )
    errors: Count = Field(20, description="Maximum number of errors in a response.")
    body_bytes: Count = Field(1_000_000, description="Maximum size of a request body in bytes.")
    statement_seconds: PositiveSeconds = Field(5, description="Time limit of one statement that reads.")

    def limits(self) -> OperationLimits:
        """Return the limits that the graph checks."""
        return OperationLimits(**{field.name: getattr(self, field.name) for field in fields(OperationLimits)})


class GraphSettings(Section):
    """How GraphQL operations are executed."""

    plans: bool = Field(
        default=True,
        description=(
            "Run queries as plans: the response is text from the database. If false, Strawberry executes each operation: "
            "the same result, but slower."
        ),
    )
    cache_mb: float = Field(
        default=32,
        ge=0,
        le=4096,
        description=(
            "Size of the cache of results in MB. Each use of a cached result checks in the database that it is current."
        ),
    )


class AccountSettings(Section):
    """One account: the settings that every account has, and those of its vendor."""

    name: AccountName = Field(description="Name that identifies the account; freely chosen.")
    vendor: str = Field(description="Cloud of the account: the name of a vendor module.")
    cooldown_seconds: Seconds | None = Field(None, description="Default max age of this account.")
    deadline_seconds: Seconds | None = Field(None, description="Default max wait of this account.")
    flight_seconds: PositiveSeconds | None = Field(None, description="Time limit of a whole flight of this account.")
    budget_share: float = Field(
        SHARE, gt=0, le=1000, description="Share of the vendor's documented rate limits that this account may use."
    )
    keep_fresh_seconds: Seconds | None = Field(
        None, ge=1, description="Interval of background sweeps; no background sweeps if not set."
    )
    keep_fresh_moving_seconds: Seconds | None = Field(
        None,
        ge=1,
        description=(
            "Interval of background sweeps while a resource is starting, stopping or being deleted; "
            "a fifth of `keep_fresh_seconds` if not set."
        ),
    )
    keep_fresh_idle_seconds: Seconds | None = Field(
        None,
        description=(
            "Background sweeps pause if nobody has read the account for this long; they never pause if not set."
        ),
    )
    endpoint: str | None = Field(
        None, description="Scheme, host and optional path prefix of another endpoint, such as a private one or a proxy."
    )
    kinds: list[Literal["machines", "volumes"]] = Field(
        ["machines", "volumes"],
        min_length=1,
        description='What is listed; `["machines"]` for a key that may not list volumes.',
    )
    max_answer_mb: float = Field(32, gt=0, le=1024, description="Maximum size of one response of the cloud in MB.")
    own: SerializeAsAny[VendorSettings] = Field(strict=False, description="Settings of the vendor.")
    _reread_own: Callable[[], VendorSettings | None] | None = PrivateAttr(default=None)

    def with_secret_files(self, reread_own: Callable[[], VendorSettings | None]) -> Self:
        """Return the account with a function that reads its secrets from their files again."""
        account = self.model_copy()
        account._reread_own = reread_own  # noqa: SLF001 - of the same class
        return account

    def reread_own(self) -> VendorSettings | None:
        """Return `own` with the secrets that their files contain now; `None` if no file can be read again."""
        return None if self._reread_own is None else self._reread_own()

    def resource_kinds(self) -> frozenset[ResourceKind]:
        """Return the kinds that are listed."""
        return frozenset(ResourceKind(kind.upper()) for kind in self.kinds)


COMMON_ACCOUNT_KEYS: Final = frozenset(AccountSettings.model_fields) - {"own"}
"""The keys of `[[accounts]]` that exist for every vendor; the others belong to the vendor."""


class Settings(Section):
    """The whole configuration."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    freshness: FreshnessSettings = Field(default_factory=FreshnessSettings)
    absence: AbsenceSettings = Field(default_factory=AbsenceSettings)
    history: HistorySettings = Field(default_factory=HistorySettings)
    graph: GraphSettings = Field(default_factory=GraphSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    accounts: tuple[AccountSettings, ...] = ()

    def connection_settings(self) -> ConnectionSettings:
        """Return the settings of the database connections."""
        database = self.database
        return ConnectionSettings(
            pool_size=database.pool_size,
            pool_wait_seconds=database.pool_wait_seconds,
            connect_seconds=database.connect_seconds,
            statement_seconds=self.limits.statement_seconds,
            write_seconds=database.write_seconds,
        )
