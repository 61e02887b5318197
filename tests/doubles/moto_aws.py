"""AWS as simulated by the moto server, which verifies signatures; and botocore as its client."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.session

from tests.doubles.children import child

_UNCHECKED_CALLS = "3"
"""Creating the user, its key and its policy: signatures are verified from the fourth call on."""
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True, slots=True)
class MotoAws:
    """One moto server, and a key that it accepts."""

    address: str
    access_key_id: str
    secret_access_key: str

    @property
    def credentials(self) -> Mapping[str, str]:
        """The key, as it is configured for an account."""
        return {"access_key_id": self.access_key_id, "secret_access_key": self.secret_access_key}

    def ec2(self, region: str) -> Any:
        """Return botocore's EC2 client for a region."""
        return _client("ec2", region, self.address, self.access_key_id, self.secret_access_key)


@contextmanager
def moto_aws() -> Iterator[MotoAws]:
    """Start moto with signature verification, and with one user who may do everything."""
    command = (sys.executable, "-m", "tests.doubles.moto_server")
    with child(command, r"ready on (\d+)", {"INITIAL_NO_AUTH_ACTION_COUNT": _UNCHECKED_CALLS}) as match:
        address = f"http://127.0.0.1:{match[1]}"
        iam = _client("iam", "us-east-1", address, "nobody", "nothing")
        iam.create_user(UserName="supplygraph")
        key = iam.create_access_key(UserName="supplygraph")["AccessKey"]
        iam.put_user_policy(UserName="supplygraph", PolicyName="everything", PolicyDocument=json.dumps(_EVERYTHING))
        yield MotoAws(address, key["AccessKeyId"], key["SecretAccessKey"])


def linux_image(ec2: Any) -> str:
    """Return an image of moto that is not for Windows."""
    images = ec2.describe_images()["Images"]
    return next(str(image["ImageId"]) for image in images if image.get("Platform") != "windows")


def _client(service: str, region: str, address: str, key: str, secret: str) -> Any:
    session = botocore.session.Session()
    return session.create_client(
        service, region_name=region, endpoint_url=address, aws_access_key_id=key, aws_secret_access_key=secret
    )
