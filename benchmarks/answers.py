"""The answers of every server to the same operations, and whether they are equal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.operations import BROWSER, FULL, ONE, PAGE, REST, SINGLE_SUBJECTS, BenchRequest, RequestBuilder
from supplygraph.http import rest_rendering

Json = Any
_COMPARED_AS: Final = {ONE: ONE, BROWSER: ONE, PAGE: PAGE, REST: REST, FULL: REST}
"""Subjects that must have the same answers, by the subject that stands for them."""


class AnswersDiffer(Exception):
    """Two servers answer differently, or one of them answers an error; the message says where."""


@dataclass(slots=True)
class ServerAnswers:
    """The answers of one server by subject.

    `cursors` are the cursors that led to the pages. `shortest` is the length in bytes of the shortest body of a subject,
    `sample` the first body.
    """

    by_subject: dict[str, list[Json]] = field(default_factory=dict)
    cursors: list[str | None] = field(default_factory=lambda: [None])
    shortest: dict[str, int] = field(default_factory=dict)
    sample: dict[str, bytes] = field(default_factory=dict)

    def add(self, subject: str, body: bytes, value: Json) -> None:
        """Add an answer: its body, and the value that is compared."""
        self.by_subject.setdefault(subject, []).append(value)
        self.sample.setdefault(subject, body)
        self.shortest[subject] = min(len(body), self.shortest.get(subject, len(body)))


def request_answers(
    builder: RequestBuilder,
    send: Callable[[BenchRequest], bytes],
    ids: Sequence[str],
    pages: int,
    subjects: Sequence[str],
) -> ServerAnswers:
    """Send every request of the subjects once; follow the server's own cursors from page to page.

    Raises AnswersDiffer if an answer is an error.
    """
    answers = ServerAnswers()
    for subject in (each for each in SINGLE_SUBJECTS if each in subjects):
        for resource_id in ids:
            body = send(builder.single(subject, resource_id))
            answers.add(subject, body, _comparable(subject, json.loads(body)))
    for _ in range(pages if PAGE in subjects else 0):
        body = send(builder.page(answers.cursors[-1]))
        data = _data(json.loads(body))
        answers.add(PAGE, body, data)
        answers.cursors.append(data["resources"]["pageInfo"]["endCursor"])
    del answers.cursors[-1]
    return answers


def normalise(value: Json) -> Json:
    """Return an answer without what differs between servers: the text of a cursor.

    Numbers are compared as numbers and keys in any order. The `extensions` of a response are not part of its data.
    """
    match value:
        case {"endCursor": str(), **rest}:
            return {**{key: normalise(inner) for key, inner in rest.items()}, "endCursor": "a cursor"}
        case dict():
            return {key: normalise(inner) for key, inner in value.items()}
        case list():
            return [normalise(inner) for inner in value]
        case _:
            return value


def compare(
    expected_name: str, expected: Mapping[str, Sequence[Json]], name: str, answers: Mapping[str, Sequence[Json]]
) -> int:
    """Compare the answers of a server with the expected ones, and return how many were compared.

    A subject for which nothing is expected is left out. Raises AnswersDiffer at the first difference.
    """
    compared = 0
    for subject, values in answers.items():
        references = expected.get(_COMPARED_AS[subject], ())
        if not references:
            continue
        if len(references) != len(values):
            raise AnswersDiffer(
                f"{subject}: {expected_name} answered {len(references)} times, {name} {len(values)} times"
            )
        for number, (reference, value) in enumerate(zip(references, values, strict=True)):
            if place := difference(normalise(reference), normalise(value)):
                raise AnswersDiffer(f"{subject} no. {number}: {expected_name} and {name} differ {place}")
            compared += 1
    return compared


def difference(left: Json, right: Json, path: str = "data") -> str | None:
    """Return where two values differ first, and how; None if they are equal."""
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return f"at {path}: keys {sorted(left.keys() ^ right.keys())} are in one only"
        pairs = ((left[key], right[key], f"{path}.{key}") for key in left)
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            return f"at {path}: {len(left)} and {len(right)} items"
        pairs = ((one, other, f"{path}[{n}]") for n, (one, other) in enumerate(zip(left, right, strict=True)))
    elif isinstance(left, bool) != isinstance(right, bool) or left != right:
        return f"at {path}: {left!r} and {right!r}"
    else:
        return None
    return next((place for one, other, inner in pairs if (place := difference(one, other, inner))), None)


def _comparable(subject: str, answer: Json) -> Json:
    if subject == REST:
        return answer
    data = _data(answer)
    # The full selection is compared with the REST route, in the REST route's keys.
    return rest_rendering.render(data["resource"]) if subject == FULL else data


def _data(answer: Json) -> Json:
    if not isinstance(answer, dict) or answer.get("errors") or not isinstance(answer.get("data"), dict):
        raise AnswersDiffer(f"an answer without data: {json.dumps(answer)[:500]}")
    data = answer["data"]
    if any(value is None for value in data.values()):
        raise AnswersDiffer(f"an answer whose root field is null: {json.dumps(answer)[:500]}")
    return data
