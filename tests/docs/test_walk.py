"""The walk through one query names functions that exist, and the sandbox shows that they are called as it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from uuid import UUID

import pytest

from tests.docs import walk
from tests.docs.pages import ROOT, blocks
from tests.docs.sandbox_app import SandboxClient, run_sandbox_app
from tests.docs.walk import Place

_MAX_FILES = 15
each_place = pytest.mark.parametrize("place", walk.places(), ids=str)


@contextmanager
def record_calls() -> Iterator[list[Place]]:
    """Record the functions of the repository that this thread enters or resumes, in order."""
    calls: list[Place] = []
    prefix = f"{ROOT}/"

    def record(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(prefix):
            calls.append(Place(code.co_filename.removeprefix(prefix), code.co_qualname))

    sys.setprofile(record)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def first_not_called(expected: list[Place], calls: list[Place]) -> Place | None:
    """Return the first place that is not called after the places before it; None if all are called in order."""
    remaining = iter(calls)
    return next((place for place in expected if place not in remaining), None)


async def machine_id(client: SandboxClient) -> UUID:
    """Return the id of one machine. The query selects recorded fields only, so it calls no cloud."""
    body = await client.post("{ resources(first: 1, filter: {resourceType: [VM]}) { nodes { resourceId } } }")
    (node,) = body["data"]["resources"]["nodes"]
    return UUID(node["resourceId"])


@each_place
def test_every_function_exists(place: Place) -> None:
    """Each function that the walk names is defined in the file that it names."""
    assert place.function().__qualname__ == place.name


def test_it_names_few_files() -> None:
    """A reader opens at most 15 files, and every file comes with a function."""
    assert walk.files() == {place.file for place in walk.places()}
    assert len(walk.files()) <= _MAX_FILES


def test_the_steps_are_numbered() -> None:
    """The steps count from 1, and every step names a function."""
    assert list(walk.steps()) == list(range(1, len(walk.steps()) + 1))


@pytest.mark.parametrize("plans", [False, True], ids=["strawberry", "plan"])
async def test_the_functions_are_called_in_order(tmp_path: Path, plans: bool) -> None:
    """The query of the page calls the functions in the order of the page; a plan leaves out Strawberry's steps."""
    (query,) = (block.text for block in blocks("graphql") if block.text in walk.text())
    left_out = {walk.steps()[number] for number in walk.steps_without_plans()} if plans else set()
    expected = [place for place in walk.places() if place not in left_out]

    async with run_sandbox_app(tmp_path, plans=plans) as client:
        resource_id = await machine_id(client)
        with record_calls() as calls:
            body = await client.post(query, id=str(resource_id))

    assert body["data"]["resource"]["freshness"] == {"state": "FRESH", "ageSeconds": 0.0, "reason": None}
    assert body["extensions"]["freshness"]["vendorCalls"] == 1
    assert first_not_called(expected, calls) is None
    assert left_out.isdisjoint(calls)
