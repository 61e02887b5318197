"""`python -m tests.fuzz`: 500 random answers of every vendor, by its specification or its recordings; `--answers`, `--only`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.doubles import prism
from tests.doubles.fakes import fakes_by_vendor
from tests.fuzz.run import fuzz


def main() -> int:
    """The exit code: 0 where nothing is amiss."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--answers", type=int, default=500, help="how many of each vendor")
    parser.add_argument("--only", nargs="*", default=sorted(fakes_by_vendor()), help="these vendors")
    options = parser.parse_args()
    amiss = answers = 0
    for name in options.only:
        fake = fakes_by_vendor()[name]
        if fake.specification and (missing := prism.missing(fake.specification)):
            sys.stdout.write(f"{name}: skipped, {missing}\n")
            continue
        told = asyncio.run(fuzz(fake, options.answers))
        amiss, answers = amiss + len(told.amiss), answers + told.answers
        sys.stdout.write("\n".join([told.line, *(f"   AMISS: {each}" for each in told.amiss[:20])]) + "\n")
        sys.stdout.flush()
    sys.stdout.write(f"{answers} answers, {amiss} amiss\n")
    return 1 if amiss else 0


sys.exit(main())
