"""Runs the audits of the npm package `graphql-http` against a gateway."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from web.node_runtime import NodeUnavailable, find_node

FOLDER: Final = Path(__file__).parent
TIMEOUT_SECONDS: Final = 120


class AuditsUnavailable(Exception):
    """Node.js or the audits are not installed. The message says which of them, and what to do."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The result of one audit.

    `name` starts with MUST, SHOULD or MAY. The audit passed only if `status` is `ok`. `reason` and `http_status`, the status of
    the response that failed the audit, are `None` if it passed.
    """

    id: str
    name: str
    status: Literal["ok", "notice", "warn", "error"]
    reason: str | None
    http_status: int | None


def run_audits(url: str, token: str) -> list[AuditResult]:
    """Run every audit against a running gateway and send the token with each request. Blocks.

    Raises AuditsUnavailable if the audits cannot be run.
    """
    if not (FOLDER / "node_modules" / "graphql-http").is_dir():
        raise AuditsUnavailable("The audits are not installed. Run `make setup` with access to the npm registry.")
    try:
        node = find_node().node
    except NodeUnavailable as reason:
        raise AuditsUnavailable(str(reason)) from reason
    completed = subprocess.run(  # noqa: S603 - own script, no shell
        [str(node), str(FOLDER / "audit.mjs")],
        # The token is passed in the environment, because every process of the machine can read arguments.
        env={**os.environ, "AUDIT_URL": url, "AUDIT_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    return [
        AuditResult(result["id"], result["name"], result["status"], result["reason"], result["httpStatus"])
        for result in json.loads(completed.stdout)
    ]
