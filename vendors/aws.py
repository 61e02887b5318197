"""AWS EC2: instances and EBS volumes, one scope per region. `vendors/parse/aws_items.py` parses its responses.

Source: botocore's model of the EC2 Query API, version 2016-11-15. Limits: a bucket of 100 calls, refilled with 20 calls
a second, for each account and region (EC2 Developer Guide, request throttling). Terminated instances stay listed for
about an hour.
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
    NothingReturned,
    RateLimited,
    VendorFailure,
)
from domain.records.observation import Observation
from vendors.base import Listing, Page, RateLimit, Vendor, VendorRequest, VendorResponse, VendorSettings
from vendors.client.failures import failure_from_status, parse_retry_after, safe_error_code
from vendors.parse import price_file
from vendors.parse.aws_items import read_page
from vendors.parse.fields import local_name
from vendors.parse.price_file import PriceFile

_VERSION: Final = "2016-11-15"
_REGION: Final = re.compile(r"[a-z]{2,5}(-[a-z]+)+-\d{1,2}")
_HOSTS: Final = (("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"), ("", "amazonaws.com"))
_SIGNED_TIME: Final = "%Y%m%dT%H%M%SZ"


# Client errors common to all actions (EC2 API Reference, "Error codes").
_REJECTED_CODES: Final = frozenset({
    "AuthFailure", "Blocked", "ExpiredToken", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId",
    "InvalidSecurity", "InvalidToken", "MissingAuthenticationToken", "NotAuthorized", "OptInRequired", "PendingVerification",
    "RequestExpired", "SignatureDoesNotMatch", "UnauthorizedOperation", "UnrecognizedClientException", "AccessDenied",
    "AccessDeniedException",
})  # fmt: skip
_THROTTLED_CODES: Final = frozenset({
    "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
    "RequestThrottledException", "TooManyRequestsException", "EC2ThrottledException", "BandwidthLimitExceeded",
})  # fmt: skip
_DENIED_CODES: Final = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
_EXPIRED_CODES: Final = frozenset({"ExpiredToken", "RequestExpired", "SignatureDoesNotMatch"})
_POLICY: Final = re.compile(
    r"(?:service control|resource control|identity-based|resource-based|session|VPC endpoint) policy|permissions boundary"
)
_NOT_FOUND_CODES: Final = frozenset({"InvalidInstanceID.NotFound", "InvalidVolume.NotFound"})


def _validate_regions(regions: tuple[str, ...]) -> tuple[str, ...]:
    if not regions:
        raise ValueError('aws is listed region by region: name them, as in regions = ["us-east-1"]')
    for region in regions:
        if not _REGION.fullmatch(region):
            raise ValueError("every region must be a region name such as us-east-1")
    return tuple(dict.fromkeys(regions))


class AwsCredentials(VendorSettings):
    """An access key; temporary keys also have a `session_token`."""

    access_key_id: SecretStr
    secret_access_key: SecretStr
    session_token: SecretStr | None = None


class AwsSettings(VendorSettings):
    """Credentials and regions. `price_file` is a TOML file of hourly prices; see `vendors/parse/price_file.py`."""

    credentials: AwsCredentials
    regions: Annotated[tuple[str, ...], AfterValidator(_validate_regions)] = Field(default=(), validate_default=True)
    price_file: Path | None = None


_KINDS: Final[Mapping[ResourceKind, tuple[str, str]]] = {
    ResourceKind.MACHINES: ("DescribeInstances", "InstanceId.1"),
    ResourceKind.VOLUMES: ("DescribeVolumes", "VolumeId.1"),
}
"""The action that lists a kind of resource, and its parameter for an id."""


class Aws(Vendor):
    """One access key and its regions."""

    name = "aws"
    settings_type = AwsSettings
    links_owner = ResourceKind.VOLUMES
    ids_span_accounts = True
    # A token bucket for Describe*, 100 deep and refilled with 20 a second, for each account and region (EC2's API
    # throttling).
    documented_limits = (RateLimit(100, 5),)
    page_size: ClassVar[int] = 500
    """`MaxResults`: 5 to 1000 for both actions."""

    def __init__(self, settings: AwsSettings) -> None:
        self._regions = settings.regions
        self._key = settings.credentials
        self._prices = price_file.load(settings.price_file) if settings.price_file else None

    def base_url(self, region: str | None) -> str:
        """Return the host of the region."""
        host = next(host for prefix, host in _HOSTS if (region or "").startswith(prefix))
        return f"https://ec2.{region}.{host}/"

    def regions(self, kind: ResourceKind) -> tuple[str | None, ...]:
        """Return the configured regions."""
        return self._regions

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return one paged listing."""
        return (AwsListing(kind, region, self.page_size, self._prices),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Request one resource by its id, which excludes `MaxResults`."""
        action, id_parameter = _KINDS[kind]
        return _request(f"{action}ById", action, (id_parameter, vendor_id))

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Return the requested resource. A set without any resource is an absence, one of other resources is malformed."""
        page = read_page(kind, region, response, self._prices)
        for observation in page.observations:
            if observation.vendor_id == vendor_id:
                return observation
        if not page.observations:
            raise NothingReturned(f"{_KINDS[kind][0]}ById: the response contains no resource.")
        raise MalformedAnswer(f"{_KINDS[kind][0]}ById: the response does not contain the requested resource.")

    def authorize(
        self, request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime
    ) -> Mapping[str, str]:
        """Sign the request with Signature Version 4.

        This repeats the steps of botocore's `add_auth`, which would read the machine's clock and log the request.
        """
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
        signed_headers = signer.signed_headers(signer.headers_to_sign(signed))
        scope = signer.scope(signed)
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={signed_headers}, Signature={signature}"
        )
        return headers

    def credential_text(self) -> str:
        """Return the key without its session token, which changes while the key stays the same."""
        return f"{self._key.access_key_id.get_secret_value()}\n{self._key.secret_access_key.get_secret_value()}"

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """Interpret the code of EC2's error document, because EC2's statuses alone say little."""
        code = _error_code(body)
        if code is None:
            return None
        text = f"{request.operation}: answered {status} ({safe_error_code(code)})"
        if code in _NOT_FOUND_CODES:
            return NotFoundByVendor(f"{text}.")
        if code in _REJECTED_CODES:
            return CredentialsRejected(f"{text}; {_refusal_cure(request, code, body)}.")
        if code in _THROTTLED_CODES:
            return RateLimited(f"{text}.", parse_retry_after(headers, now))
        return failure_from_status(status, headers, request.operation, now, code)


def _refusal_cure(request: VendorRequest, code: str, body: str) -> str:
    """Return what to do about a refusal. EC2's message names the policy that denies an action (IAM, "access denied errors")."""
    if code in _DENIED_CODES:
        policy = _POLICY.search(body)
        cause = f"a {policy[0]}" if policy else "a policy"
        return f"{cause} denies ec2:{request.operation}; allow it, or use other credentials"
    if code in _EXPIRED_CODES:
        return (
            "the credentials or the signature have expired; renew the credentials and check the clock of this machine"
        )
    return "check the account's credentials, and whether the region is enabled for the account"


@dataclass(frozen=True, slots=True)
class AwsListing:
    """One action, page by page."""

    kind: ResourceKind
    region: str | None
    page_size: int
    price_file: PriceFile | None

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page."""
        action, _ = _KINDS[self.kind]
        paging = (("MaxResults", str(self.page_size)), *((("NextToken", cursor),) if cursor else ()))
        return _request(action, action, *paging)

    def read(self, response: VendorResponse) -> Page:
        """Return the page."""
        return read_page(self.kind, self.region, response, self.price_file)


def _request(operation: str, action: str, *parameters: tuple[str, str]) -> VendorRequest:
    # A POST that only reads, so it is safe to send twice.
    form = (("Action", action), ("Version", _VERSION), *parameters)
    return VendorRequest(operation, "/", method="POST", form=form, expects="xml")


def _error_code(body: str) -> str | None:
    try:
        root = SafeTree.fromstring(body.encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        return None
    return next((element.text for element in root.iter() if local_name(element) == "Code"), None)
