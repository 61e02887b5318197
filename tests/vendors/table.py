"""`python -m tests.vendors.table`: what was proven of each vendor, against which double, and what a sweep costs.

Everything is counted or looked up: the calls by sweeping an account that holds little, the doubles from the fakes and the folders
of tests. `docs/vendors.md` has the table, and a test compares the two.
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
    "| vendor | specification | every value compared with | our fake is judged by | faults | calls a sweep, machines + volumes |",
    "|---|---|---|---|---|---|",
)
_COMPARED: Final = {
    "aws": "moto, which judges signatures; recordings in `apache-libcloud`",
    "digitalocean": "Prism; recordings in `apache-libcloud`",
    "sandbox": "the simulated cloud",
    "scaleway": "recordings in the `scaleway` SDK",
}
"""Where it is not Prism alone, on the vendor's specification."""
_JUDGES: Final = {"aws": "botocore's model", "sandbox": "is one itself", "scaleway": "its SDK's types"}
_NO_SPECIFICATION: Final = {"aws": "botocore's model", "sandbox": "its own API", "scaleway": "none published"}


async def _calls(name: str) -> str:
    """Counted at a double that holds one of each: every further page is a call more."""
    player = players()[name]

    async def reply(writer: asyncio.StreamWriter) -> bool:
        call = player.call(ReceivedRequest.parse(server.requests[-1]))
        return await answer(player.answer(call, ALL[:1]), headers={"content-type": player.media})(writer)

    counted = []
    async with loopback(reply) as server, account(name, player.settings("S3cret"), server.address) as cloud:
        for kind in ResourceKind:
            region = next(region for one, region in cloud.scopes if one is kind)
            first = (await cloud.sweep(kind, region)).calls
            later = (await cloud.sweep(kind, region)).calls
            counted.append(f"{later}" if first == later else f"{later} (hourly {first})")
        regional = any(region is not None for _, region in cloud.scopes)
    return " + ".join(counted) + (", each region or zone" if regional else "")


def rows() -> Iterator[str]:
    """The table, line by line."""
    yield from HEAD
    fakes = fakes_by_vendor()
    for name in registry.names():
        fake = fakes.get(name)
        specification = fake.specification if fake is not None and fake.specification else None
        judged = (
            "`prism proxy --errors`" if specification else _JUDGES.get(name, "no fake" if fake is None else "nobody")
        )
        told = f"`{specification}`" if specification else _NO_SPECIFICATION.get(name, "none")
        compared = _COMPARED.get(name, "Prism" if specification else "nothing")
        yield f"| `{name}` | {told} | {compared} | {judged} | the whole matrix | {asyncio.run(_calls(name))} |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()) + "\n")
