"""The servers that the benchmark starts."""

from __future__ import annotations

from pathlib import Path

import httpx

from benchmarks.servers import configuration, run_constant_body, set_constant_body


def test_the_constant_body_server_answers_what_was_set(tmp_path: Path) -> None:
    """It is `supplygraph serve` with another application, and answers every request alike."""
    text = configuration(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    with run_constant_body(tmp_path, text) as server:
        set_constant_body(server, b'{"data":1}')
        response = httpx.post(f"{server.target.address}/graphql", content=b"anything", trust_env=False)
    assert (200, b'{"data":1}') == (response.status_code, response.content)
    assert {"content-type", "content-length", "date"} == set(response.headers)


def test_a_gateway_without_a_result_cache_differs_in_one_setting() -> None:
    """All other settings are the same."""
    cached, uncached = configuration("url"), configuration("url", cached=False)
    assert cached == uncached.replace("[graph]\ncache_mb = 0\n", "")
