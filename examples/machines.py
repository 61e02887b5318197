"""List the machines with their age and the reason, then force one of them fresh. See README.md in this folder."""

from __future__ import annotations

import os
import sys
from typing import Any

import httpx

MACHINES = """
query Machines($maxAge: Int!) {
  resources(
    filter: {resourceType: [VM, CONTAINER, BARE_METAL, CLUSTER]}
    orderBy: {field: NAME, direction: ASC}
    first: 100
    freshness: {maxAgeSeconds: $maxAge}
  ) {
    nodes { resourceId name status freshness { state ageSeconds reason } }
    coverage { complete gaps { account { name } reason } }
  }
}
"""

ONE_MACHINE_NOW = """
query OneMachineNow($id: UUID!) {
  resource(resourceId: $id, freshness: {forceRefresh: true}) {
    name
    status
    freshness { state ageSeconds reason }
  }
}
"""


def execute(client: httpx.Client, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Run an operation and return its data. Raises SystemExit with the first error."""
    response = client.post("/graphql", json={"query": query, "variables": variables})
    body = response.json()
    if "errors" in body:
        error = body["errors"][0]
        raise SystemExit(f"{error['extensions']['code']}: {error['message']}")
    data: dict[str, Any] = body["data"]
    return data


def describe(resource: dict[str, Any]) -> str:
    """Return one line about a resource and its age."""
    freshness = resource["freshness"]
    age = "never seen" if freshness["ageSeconds"] is None else f"{freshness['ageSeconds']:.0f} s old"
    reason = f" ({freshness['reason']})" if freshness["reason"] else ""
    return f"{resource['name']:<16} {resource['status']:<12} {freshness['state']}{reason}, {age}"


def main() -> None:
    """Print the machines, the scopes that could not be listed, and one machine after a forced refresh."""
    max_age = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    url = os.environ.get("SUPPLYGRAPH_URL", "http://127.0.0.1:8000")
    headers = {"Authorization": f"Bearer {os.environ['SUPPLYGRAPH_TOKEN']}"}
    # The gateway waits for a cloud for at most 10 seconds unless it is configured otherwise.
    with httpx.Client(base_url=url, headers=headers, timeout=15) as client:
        resources = execute(client, MACHINES, {"maxAge": max_age})["resources"]
        for node in resources["nodes"]:
            print(describe(node))
        for gap in resources["coverage"]["gaps"]:
            print(f"The list may be incomplete: {gap['account']['name']}, {gap['reason']}")
        if resources["nodes"]:
            first = resources["nodes"][0]["resourceId"]
            print("Now:", describe(execute(client, ONE_MACHINE_NOW, {"id": first})["resource"]))


if __name__ == "__main__":
    main()
