"""What the operator may configure. Read by `supplygraph.config.load`; nothing here looks at files or the environment."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, SerializeAsAny, model_validator

from db.engine import ConnectionSettings
from domain.rules import AbsenceRules, FreshnessRules, OperationLimits
from vendors.base import VendorSettings
from vendors.client.rate_limits import SHARE

Seconds = Annotated[float, Field(ge=0, le=31_536_000, allow_inf_nan=False)]
SomeSeconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**12)]


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("is no origin; write scheme and host alone, as https://portal.example.com")
    return text


def _account_name(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("holds control characters, or spaces at an end")
    return text


Origin = Annotated[str, AfterValidator(_origin)]
AccountName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_account_name)]


class Section(BaseModel):
    """A table of the configuration. An unknown key is an error, and nothing is coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ServerSettings(Section):
    """Where the gateway listens, and which pages of other origins may call it."""

    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65_535, description="The port to listen on; 0 takes a free one.")
    allowed_origins: list[Origin] = Field(
        default_factory=list, description="CORS for `/graphql` and `/resources`; no cookies, ever."
    )


class DatabaseSettings(Section):
    """Where the record is kept, and how it is reached. `limits.statement_seconds` bounds what is read from it."""

    url: SecretStr = Field(
        SecretStr("sqlite+aiosqlite:///supplygraph.db"),
        strict=False,
        description=(
            "`sqlite+aiosqlite:///FILE`, `postgresql+asyncpg://USER:PASSWORD@HOST/NAME` or "
            "`postgresql+asyncpg://USER@/NAME?host=/SOCKET/FOLDER`; or `env:NAME`, `file:PATH` of such a text."
        ),
    )
    pool_size: int = Field(
        10,
        ge=1,
        le=1_000,
        description="How many connections one process keeps at most: so many to read with, and so many for the rest.",
    )
    pool_wait_seconds: SomeSeconds = Field(5, description="How long a request waits for a connection to be free.")
    connect_seconds: SomeSeconds = Field(5, description="How long PostgreSQL may take to accept a connection.")
    write_seconds: SomeSeconds = Field(
        60, description="How long a statement that writes may take on PostgreSQL, waiting for locks included."
    )


class FreshnessSettings(Section):
    """How fresh, how long to wait, how long to hold back. All in seconds."""

    cooldown_seconds: Seconds = Field(30, description="The default max age.")
    floor_seconds: Seconds = Field(5, description="The lowest max age that a token without `refresh` may ask.")
    deadline_seconds: Seconds = Field(10, description="The default max wait.")
    deadline_max_seconds: Seconds = Field(60, description="The longest max wait that a reader may ask.")
    flight_seconds: SomeSeconds = Field(30, description="A whole flight, retries and a trickling body included.")
    error_hold_seconds: Seconds = Field(5, description="How long a failed sweep is not repeated; doubling, jittered.")
    error_hold_max_seconds: Seconds = Field(60, description="Where the doubling ends.")
    force_gap_seconds: Seconds = Field(2, description="Between forced sweeps of one scope.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for low, high in (
            ("deadline_seconds", "deadline_max_seconds"),
            ("error_hold_seconds", "error_hold_max_seconds"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} is larger than {high}")
        return self

    def rules(self) -> FreshnessRules:
        """As the rules that are handed to the reconciler and the reader."""
        return FreshnessRules(**{field.name: getattr(self, field.name) for field in fields(FreshnessRules)})


class AbsenceSettings(Section):
    """How much evidence "deleted" needs."""

    grace_seconds: Seconds = Field(120, description="From creation or first sight: delays the verdict, never the mark.")
    witness_seconds: Seconds = Field(120, description="Between the two listings that are needed where no probe tells.")
    suspect_seconds: Seconds = Field(900, description="How long a suspect scope's listings must agree.")
    probes_per_flight: Count = Field(20, description="How many marked resources one flight probes.")

    def rules(self) -> AbsenceRules:
        """As the rules that are handed to the reconciler."""
        return AbsenceRules(**{field.name: getattr(self, field.name) for field in fields(AbsenceRules)})


class HistorySettings(Section):
    """How long changes are kept."""

    keep_days: int = Field(90, ge=1, le=36_500, description="Days of history; tombstones are kept as long.")


class LimitSettings(Section):
    """How large an operation may be; counted after fragments, before any work."""

    tokens: Count = Field(2_000, description="Tokens of an operation's text.")
    fields: Count = Field(500, description="Fields of an operation.")
    depth: Count = Field(12, description="Depth of an operation, introspection apart.")
    introspection_depth: Count = Field(24, description="Depth of what an operation asks of the schema itself.")
    root_fields: Count = Field(20, description="Root fields of an operation.")
    forced: Count = Field(5, description="Root fields that may force.")
    nodes: Count = Field(20_000, description="Page sizes multiplied; 10 a link list.")
    links_depth: int = Field(4, ge=1, le=4, description="Steps of a walk over links; SQLite parses no deeper ones.")
    errors: Count = Field(20, description="Errors in an answer.")
    body_bytes: Count = Field(1_000_000, description="Bytes of a request's body.")
    statement_seconds: SomeSeconds = Field(5, description="How long one statement may take.")

    def limits(self) -> OperationLimits:
        """As what is handed to the graph."""
        return OperationLimits(**{field.name: getattr(self, field.name) for field in fields(OperationLimits)})


class GraphSettings(Section):
    """How operations of the graph run."""

    plans: bool = Field(
        default=True,
        description="Answers go out as the database wrote them; off, graphql-core renders each: the same, slower.",
    )
    cache_mb: float = Field(
        default=32,
        ge=0,
        le=4096,
        description="MB kept of answers to what is asked again; the database tells each time whether they still hold.",
    )


class AccountSettings(Section):
    """One account: what every account has, and its vendor's own keys."""

    name: AccountName = Field(description="The account's identity; the operator's own word.")
    vendor: str = Field(description="The cloud: the name of a vendor's file.")
    cooldown_seconds: Seconds | None = Field(None, description="The account's own default max age.")
    deadline_seconds: Seconds | None = Field(None, description="The account's own default max wait.")
    flight_seconds: SomeSeconds | None = Field(None, description="How long a whole flight of the account may take.")
    budget_share: float = Field(
        SHARE, gt=0, le=1000, description="How much of the vendor's documented limits the account may use."
    )
    keep_fresh_seconds: Seconds | None = Field(
        None, ge=1, description="Sweep in the background so often; off if not set."
    )
    keep_fresh_moving_seconds: Seconds | None = Field(
        None, ge=1, description="So often while something starts, stops or is deleted; a fifth of the above if not set."
    )
    keep_fresh_idle_seconds: Seconds | None = Field(
        None, description="Not while nobody has read the account for so long; always if not set."
    )
    endpoint: str | None = Field(
        None, description="Scheme, host, optional path prefix: a private endpoint, a proxy, a test."
    )
    own: SerializeAsAny[VendorSettings] = Field(strict=False, description="The vendor's own keys.")


COMMON_ACCOUNT_KEYS: Final = frozenset(AccountSettings.model_fields) - {"own"}
"""The keys of `[[accounts]]` that every vendor has; the others are the vendor's."""


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

    def connecting(self) -> ConnectionSettings:
        """How connections to the database are made, kept and bounded."""
        own = self.database
        return ConnectionSettings(
            pool_size=own.pool_size,
            pool_wait_seconds=own.pool_wait_seconds,
            connect_seconds=own.connect_seconds,
            statement_seconds=self.limits.statement_seconds,
            write_seconds=own.write_seconds,
        )
