"""The audits of the npm package `graphql-http`, run against an address."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from web.node_runtime import NodeUnavailable, find_node

FOLDER: Final = Path(__file__).parent
PATIENCE_SECONDS: Final = 120


class AuditsUnavailable(Exception):
    """There is no node, or the audits were not installed; the text says which, and the cure."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What one audit found. `name` begins with MUST, SHOULD or MAY; only `ok` is a pass.

    `http_status` is that of the answer which failed the audit, None where it passed.
    """

    id: str
    name: str
    status: Literal["ok", "notice", "warn", "error"]
    reason: str | None
    http_status: int | None


def run_audits(url: str, token: str) -> list[AuditResult]:
    """Every audit against a running gateway, each request with the token. Raises AuditsUnavailable; blocks."""
    if not (FOLDER / "node_modules" / "graphql-http").is_dir():
        raise AuditsUnavailable("the audits are not installed: make setup, with npm's registry in reach")
    try:
        node = find_node().node
    except NodeUnavailable as reason:
        raise AuditsUnavailable(str(reason)) from reason
    done = subprocess.run(  # noqa: S603 - our own script, no shell
        [str(node), str(FOLDER / "audit.mjs")],
        # By the environment: arguments can be read by every process of the machine.
        env={**os.environ, "AUDIT_URL": url, "AUDIT_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [
        AuditResult(found["id"], found["name"], found["status"], found["reason"], found["httpStatus"])
        for found in json.loads(done.stdout)
    ]
