"""The vendor's own id of a request."""

from __future__ import annotations

import pytest
from defusedxml import ElementTree as SafeTree

from vendors.client.request_ids import request_id

SECRET = "a-key-that-nobody-may-see"
EC2 = '<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>{}</requestId><volumeSet/></DescribeVolumesResponse>'


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        ("4e7a-1", {"x-request-id": "4e7a-1"}),
        ("8f2c0aab3d5e6f70-FRA", {"cf-ray": "8f2c0aab3d5e6f70-FRA"}),
        ("aws", {"x-amzn-requestid": "aws", "x-request-id": "proxy"}),
        ("proxy", {"x-amzn-requestid": "no good one", "x-request-id": "proxy"}),
        (None, {}),
        (None, {"x-request-id": ""}),
        (None, {"x-request-id": "x" * 129}),
        (None, {"x-request-id": "<script>"}),
        (None, {"x-request-id": "line\nbreak"}),
        (None, {"x-request-id": f"echo-{SECRET}"}),
        (None, {"x-trace": "not on the list"}),
    ],
)
def test_request_id_in_headers(expected: str | None, headers: dict[str, str]) -> None:
    """Only known headers count; an implausible id, or one that contains a secret, is dropped."""
    assert expected == request_id(headers, {"requestId": "of JSON, which no vendor documents"}, (SECRET,))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("59dbff89-35bd-4eac-99ed-be587EXAMPLE", "59dbff89-35bd-4eac-99ed-be587EXAMPLE"),
        (None, "two words"),
        (None, SECRET),
        (None, ""),
    ],
)
def test_request_id_in_an_element(expected: str | None, text: str) -> None:
    """EC2 reports it in the response itself."""
    assert expected == request_id({}, SafeTree.fromstring(EC2.format(text)), (SECRET,))
