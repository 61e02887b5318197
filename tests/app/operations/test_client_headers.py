"""The headers of ordinary clients change neither the answer nor the work that it takes."""

from __future__ import annotations

from typing import Final

import pytest

from resolvers.reader import Reader
from tests.app.harness import ORIGIN, GatewayHarness
from tests.app.operations.calls import record_calls, record_jobs

_QUERY: Final = """query Machines($first: Int!) {
  resources(first: $first) { nodes { resourceId name status freshness { state ageSeconds } } totalCount }
  accounts { name state }
}"""
_TRACING: Final = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "congo=t61rcWkgMzE",
    "baggage": "user=17,tenant=lab",
    "sentry-trace": "771a43a4192642f0b136d5159a501700-a0b1c2d3e4f50617-1",
    "b3": "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1",
}
_CLIENTS: Final[dict[str, dict[str, str]]] = {
    "browser": {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
        "Cache-Control": "no-cache",
        "Content-Type": "application/json",
        "Cookie": "theme=dark; session=0d1f",
        "DNT": "1",
        "Origin": ORIGIN,
        "Pragma": "no-cache",
        "Priority": "u=1, i",
        "Referer": f"{ORIGIN}/machines",
        "Sec-Ch-Ua": '"Chromium";v="130", "Not?A_Brand";v="99"',
        "Sec-Ch-Ua-Mobile": "?0",
        "Sec-Ch-Ua-Platform": '"Linux"',
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Site": "cross-site",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0",
        **_TRACING,
    },
    "apollo": {
        "Accept": "multipart/mixed;deferSpec=20220824, application/json",
        "Apollographql-Client-Name": "portal",
        "Apollographql-Client-Version": "1.2",
        "Apollo-Require-Preflight": "true",
        "Content-Type": "application/json; charset=UTF-8",
        "X-Apollo-Operation-Name": "Machines",
    },
    "node": {
        "Accept": "*/*",
        "Accept-Encoding": "br, gzip, deflate",
        "Accept-Language": "*",
        "Sec-Fetch-Mode": "cors",
        "User-Agent": "node",
        **_TRACING,
    },
    "proxy": {
        "CF-Ray": "8d1f0a2b3c4d5e6f-FRA",
        "Forwarded": "for=192.0.2.60;proto=https;by=203.0.113.43",
        "Max-Forwards": "10",
        "Via": "1.1 proxy.example",
        "X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678",
        "X-Forwarded-For": "192.0.2.60",
        "X-Forwarded-Host": "graph.example",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "192.0.2.60",
    },
}


@pytest.mark.parametrize("client", _CLIENTS)
async def test_every_client_gets_the_same_bytes_by_the_same_plan(
    up: GatewayHarness, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    """The bare client has a token and nothing else. Nothing is compiled for the other one, and its plan is the same."""
    bare = await up.token()
    await up.post(_QUERY, bare, {"first": 3})
    expected = await up.post(_QUERY, bare, {"first": 3})
    jobs, reads = record_jobs(monkeypatch), record_calls(monkeypatch, Reader, "read")
    planned = up.metric('supplygraph_operations_total{path="plan"}')

    response = await up.post(_QUERY, {**bare, **_CLIENTS[client]}, {"first": 3})
    again = await up.post(_QUERY, bare, {"first": 3})

    assert response.status_code == expected.status_code == 200
    assert response.content == expected.content == again.content
    assert response.headers["Content-Type"] == expected.headers["Content-Type"]
    assert jobs == []
    assert up.metric('supplygraph_operations_total{path="plan"}') == planned + 2
    (_, with_headers, _), (_, without, _) = reads
    assert with_headers.statement is without.statement
    assert with_headers.params == without.params


async def test_a_browser_s_answer_has_the_headers_of_a_bare_one(up: GatewayHarness) -> None:
    """Only cross-origin headers are added, because the browser sent its origin."""
    bare = {**await up.token(), "X-Request-ID": "job-1"}
    await up.post(_QUERY, bare, {"first": 3})
    expected = await up.post(_QUERY, bare, {"first": 3})
    response = await up.post(_QUERY, {**bare, **_CLIENTS["browser"]}, {"first": 3})
    added = {name for name in response.headers if name.startswith("access-control-")}
    assert added == {"access-control-allow-origin", "access-control-expose-headers"}
    assert {name: value for name, value in response.headers.items() if name not in added} == dict(expected.headers)
