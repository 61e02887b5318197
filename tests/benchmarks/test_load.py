"""What the load is made of, and what it tells."""

from __future__ import annotations

from benchmarks.asking import OURS, Request, Words
from benchmarks.load import Told, prepared, read


def test_the_last_line_is_read_in_seconds_and_milliseconds() -> None:
    """The tool counts microseconds."""
    line = '{"requests":100,"microseconds":2500000,"bytes":5000,"p50":1500,"p99":9000,"max":9900,"failed":2}'
    assert Told(100, 2.5, 5000, 1.5, 9.0, 2) == read(line)


def test_requests_are_prepared_a_line_each() -> None:
    """A body never holds a line's end; a GET is its path."""
    words = Words(OURS)
    with prepared([words.one("1"), words.page(None)]) as file:
        lines = file.read_bytes().splitlines()
    assert 2 == len(lines)
    assert b'"variables":{"id":"1"}' in lines[0]
    with prepared([Request("/resources/1"), Request("/resources/2")]) as file:
        assert b"/resources/1\n/resources/2\n" == file.read_bytes()
    assert not file.exists()
