"""`python -m tests.fuzz`: 500 random responses of every vendor, from its specification or its recordings."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.doubles import prism
from tests.doubles.fakes import fakes_by_vendor
from tests.fuzz.run import fuzz


def main() -> int:
    """Return the exit code: 0 if there are no violations."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--answers", type=int, default=500, help="number of responses of each vendor")
    parser.add_argument("--only", nargs="*", default=sorted(fakes_by_vendor()), help="names of the vendors to test")
    options = parser.parse_args()
    violations = responses = 0
    for name in options.only:
        fake = fakes_by_vendor()[name]
        if fake.specification and (missing := prism.missing(fake.specification)):
            sys.stdout.write(f"{name}: skipped, {missing}\n")
            continue
        summary = asyncio.run(fuzz(fake, options.answers))
        violations, responses = violations + len(summary.violations), responses + summary.responses
        lines = [summary.line, *(f"   VIOLATION: {violation}" for violation in summary.violations[:20])]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    sys.stdout.write(f"{responses} responses, {violations} violations\n")
    return 1 if violations else 0


sys.exit(main())
