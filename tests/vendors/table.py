"""`python -m tests.vendors.table`: how each vendor is tested, against which double, and how many calls a sweep costs.

Everything is counted or looked up: the calls by sweeping an account with few resources, the doubles from the fakes and
the test folders. `docs/vendors.md` contains the table, and a test compares the two.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Final

from domain.enums import ResourceKind
from tests.doubles.fakes import fakes_by_vendor
from tests.matrix.faults import ALL
from tests.matrix.player import ReceivedRequest
from tests.matrix.players import players
from tests.vendors.accounts import account
from tests.vendors.loopback import answer, loopback
from vendors import registry

HEAD: Final = (
    "| vendor | specification | every value compared with | fake validated by | faults | calls per sweep, machines + volumes |",
    "|---|---|---|---|---|---|",
)
_COMPARED_WITH: Final = {
    "aws": "moto, which verifies signatures; recordings in `apache-libcloud`",
    "digitalocean": "Prism; recordings in `apache-libcloud`",
    "sandbox": "the simulated cloud",
    "scaleway": "recordings in the `scaleway` SDK",
}
"""Where it is not only Prism with the vendor's specification."""
_VALIDATED_BY: Final = {"aws": "botocore's model", "sandbox": "it is a fake itself", "scaleway": "its SDK's types"}
_OTHER_SPECIFICATIONS: Final = {"aws": "botocore's model", "sandbox": "its own API", "scaleway": "none published"}


async def _count_calls(name: str) -> str:
    """Count the calls with a double that has one resource of each kind; each further page is one more call."""
    player = players()[name]

    async def reply(writer: asyncio.StreamWriter) -> bool:
        call = player.call(ReceivedRequest.parse(server.requests[-1]))
        return await answer(player.answer(call, ALL[:1]), headers={"content-type": player.media})(writer)

    counts = []
    async with loopback(reply) as server, account(name, player.settings("S3cret"), server.address) as cloud:
        for kind in ResourceKind:
            region = next(region for scope_kind, region in cloud.scopes if scope_kind is kind)
            first = (await cloud.sweep(kind, region)).calls
            later = (await cloud.sweep(kind, region)).calls
            counts.append(f"{later}" if first == later else f"{later} ({first} once an hour)")
        regional = any(region is not None for _, region in cloud.scopes)
    return " + ".join(counts) + (", per region or zone" if regional else "")


def rows() -> Iterator[str]:
    """Yield the lines of the table."""
    yield from HEAD
    fakes = fakes_by_vendor()
    for name in registry.names():
        fake = fakes.get(name)
        specification = fake.specification if fake is not None and fake.specification else None
        validated_by = (
            "`prism proxy --errors`"
            if specification
            else _VALIDATED_BY.get(name, "no fake" if fake is None else "nothing")
        )
        documented_by = f"`{specification}`" if specification else _OTHER_SPECIFICATIONS.get(name, "none")
        compared_with = _COMPARED_WITH.get(name, "Prism" if specification else "nothing")
        calls = asyncio.run(_count_calls(name))
        yield f"| `{name}` | {documented_by} | {compared_with} | {validated_by} | whole matrix | {calls} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()) + "\n")
