"""AWS EC2: instances and EBS volumes, region by region. What its answers mean is in `vendors/parse/aws_items.py`.

Source: botocore's model of the EC2 Query API, version 2016-11-15. Limits: 20 calls a second refilled, per account and
region (EC2 Developer Guide, request throttling). Terminated instances stay listed for about an hour.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final
from xml.etree.ElementTree import ParseError

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from defusedxml import DefusedXmlException
from defusedxml import ElementTree as SafeTree
from pydantic import AfterValidator, Field, SecretStr

from domain.enums import ResourceKind
from domain.errors import (
    CredentialsRejected,
    MalformedAnswer,
    NotFoundByVendor,
    RateLimited,
    VendorFailure,
)
from domain.records.observation import Observation
from vendors.base import Listing, Page, RateLimit, Vendor, VendorRequest, VendorResponse, VendorSettings
from vendors.client.failures import of_status, retry_at, vendor_word
from vendors.parse import price_file
from vendors.parse.aws_items import read_page
from vendors.parse.fields import local_name
from vendors.parse.price_file import PriceFile

_VERSION: Final = "2016-11-15"
_REGION: Final = re.compile(r"[a-z]{2,5}(-[a-z]+)+-\d{1,2}")
_HOSTS: Final = (("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"), ("", "amazonaws.com"))
_SIGNED_TIME: Final = "%Y%m%dT%H%M%SZ"


# EC2 API Reference, "Error codes": client errors common to all actions.
_REJECTED: Final = frozenset({
    "AuthFailure", "Blocked", "ExpiredToken", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId",
    "InvalidSecurity", "InvalidToken", "MissingAuthenticationToken", "NotAuthorized", "OptInRequired", "PendingVerification",
    "RequestExpired", "SignatureDoesNotMatch", "UnauthorizedOperation", "UnrecognizedClientException", "AccessDenied",
    "AccessDeniedException",
})  # fmt: skip
_THROTTLED: Final = frozenset({
    "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
    "RequestThrottledException", "TooManyRequestsException", "EC2ThrottledException", "BandwidthLimitExceeded",
})  # fmt: skip
_NO_SUCH: Final = frozenset({"InvalidInstanceID.NotFound", "InvalidVolume.NotFound"})


def _named_regions(regions: tuple[str, ...]) -> tuple[str, ...]:
    if not regions:
        raise ValueError('aws is listed region by region: name them, as in regions = ["us-east-1"]')
    for region in regions:
        if not _REGION.fullmatch(region):
            raise ValueError("every region is a word such as us-east-1")
    return tuple(dict.fromkeys(regions))


class AwsCredentials(VendorSettings):
    """An access key; `session_token` for temporary ones."""

    access_key_id: SecretStr
    secret_access_key: SecretStr
    session_token: SecretStr | None = None


class AwsSettings(VendorSettings):
    """`price_file` is a TOML file of hourly prices; see `vendors/parse/price_file.py`."""

    credentials: AwsCredentials
    regions: Annotated[tuple[str, ...], AfterValidator(_named_regions)] = Field(default=(), validate_default=True)
    price_file: Path | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """How EC2 speaks of one kind."""

    action: str
    id_parameter: str


_KINDS: Final[Mapping[ResourceKind, _Kind]] = {
    ResourceKind.MACHINES: _Kind("DescribeInstances", "InstanceId.1"),
    ResourceKind.VOLUMES: _Kind("DescribeVolumes", "VolumeId.1"),
}


class Aws(Vendor):
    """One access key and its regions."""

    name = "aws"
    settings_type = AwsSettings
    links_owner = ResourceKind.VOLUMES
    ids_span_accounts = True
    # A token bucket for Describe*, 100 deep and refilled with 20 a second, for each account and region (EC2's API throttling).
    documented_limits = (RateLimit(100, 5),)
    page_size: ClassVar[int] = 500
    """`MaxResults`: 5 to 1000 for both actions."""

    def __init__(self, settings: AwsSettings) -> None:
        self._regions = settings.regions
        self._key = settings.credentials
        self._prices = price_file.load(settings.price_file) if settings.price_file else None

    def base_url(self, region: str | None) -> str:
        """One host a region."""
        host = next(host for prefix, host in _HOSTS if (region or "").startswith(prefix))
        return f"https://ec2.{region}.{host}/"

    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """As configured."""
        return self._regions

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """One paged listing a kind."""
        return (_Listing(kind, region, self.page_size, self._prices),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """By id: never together with MaxResults."""
        words = _KINDS[kind]
        return _call(f"{words.action}ById", words.action, (words.id_parameter, vendor_id))

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """The one that was asked for; an empty 200 is no word for its absence."""
        page = read_page(kind, region, answer, self._prices)
        for observation in page.observations:
            if observation.vendor_id == vendor_id:
                return observation
        raise MalformedAnswer(f"{_KINDS[kind].action}ById: the answer lacks what was asked for.")

    def authorize(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """Signature Version 4, by botocore's own steps. Its `add_auth` would read the machine's clock and log the request."""
        token = self._key.session_token
        credentials = Credentials(
            self._key.access_key_id.get_secret_value(), self._key.secret_access_key.get_secret_value()
        )
        signer = SigV4Auth(credentials, "ec2", region)
        headers = {"X-Amz-Date": now.strftime(_SIGNED_TIME)}
        if token:
            headers["X-Amz-Security-Token"] = token.get_secret_value()
        signed = AWSRequest(method=request.method, url=url, data=body, headers=headers)
        signed.context["timestamp"] = headers["X-Amz-Date"]
        signature = signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed)
        names = signer.signed_headers(signer.headers_to_sign(signed))
        scope = signer.scope(signed)
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"
        return headers

    def credential_text(self) -> str:
        """The key without its session token, which changes while the key stays."""
        return f"{self._key.access_key_id.get_secret_value()}\n{self._key.secret_access_key.get_secret_value()}"

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """By the code of EC2's error document: its statuses alone tell little."""
        code = _error_code(body)
        if code is None:
            return None
        text = f"{request.operation}: answered {status} ({vendor_word(code)})"
        if code in _NO_SUCH:
            return NotFoundByVendor(f"{text}.")
        if code in _REJECTED:
            return CredentialsRejected(
                f"{text}; check the account's credentials, its regions and this machine's clock."
            )
        if code in _THROTTLED:
            return RateLimited(f"{text}.", retry_at(headers, now))
        return of_status(status, headers, request.operation, now, code)


@dataclass(frozen=True, slots=True)
class _Listing:
    """One action, page by page."""

    kind: ResourceKind
    region: str | None
    page_size: int
    price_file: PriceFile | None

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page."""
        action = _KINDS[self.kind].action
        paging = (("MaxResults", str(self.page_size)), *((("NextToken", cursor),) if cursor else ()))
        return _call(action, action, *paging)

    def read(self, answer: VendorResponse) -> Page:
        """What the page told."""
        return read_page(self.kind, self.region, answer, self.price_file)


def _call(operation: str, action: str, *parameters: tuple[str, str]) -> VendorRequest:
    # A POST that only reads: safe to send twice.
    form = (("Action", action), ("Version", _VERSION), *parameters)
    return VendorRequest(operation, "/", method="POST", form=form, expects="xml")


def _error_code(body: str) -> str | None:
    try:
        root = SafeTree.fromstring(body.encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        return None
    return next((element.text for element in root.iter() if local_name(element) == "Code"), None)
