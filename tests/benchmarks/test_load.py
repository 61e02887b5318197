"""The requests that wrk sends, and the result that it reports."""

from __future__ import annotations

from benchmarks.load import LoadResult, LoadTarget, encode_request, parse_result, request_file
from benchmarks.operations import OURS, BenchRequest, RequestBuilder

TARGET = LoadTarget("http://127.0.0.1:8000", "Bearer secret", 1)


def test_the_result_is_in_seconds_and_milliseconds() -> None:
    """The script of wrk counts in microseconds."""
    line = '{"requests":100,"microseconds":2500000,"bytes":5000,"p50":1500,"p99":9000,"max":9900,"failed":2}'
    assert LoadResult(100, 2.5, 5000, 1.5, 9.0, 2) == parse_result(line)


def test_a_request_is_encoded_as_http() -> None:
    """A POST has a length; the host and the authorization are the target's."""
    post = BenchRequest("/graphql", b"{}", (("Accept", "*/*"),))
    expected = (
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Length: 2\r\n"
        b"Authorization: Bearer secret\r\nAccept: */*\r\n\r\n{}"
    )
    assert expected == encode_request(TARGET, post)
    get = encode_request(LoadTarget("http://127.0.0.1:8000", None, 1), BenchRequest("/resources/1"))
    assert b"GET /resources/1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n" == get


def test_requests_are_written_with_their_lengths() -> None:
    """A request contains line ends, so its length delimits it."""
    builder = RequestBuilder(OURS)
    requests = [builder.one("1"), builder.page(None), builder.rest("7")]
    with request_file(TARGET, requests) as file:
        content = file.read_bytes()
    for request in requests:
        length, _, content = content.partition(b"\n")
        encoded, content = content[: int(length)], content[int(length) :]
        assert encode_request(TARGET, request) == encoded
    assert b"" == content
    assert not file.exists()
