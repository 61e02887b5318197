"""Run the style check: `python -m tools.style [PATH ...]`.

Prints one line for each finding and exits 1 if there is one; exits 2 if a rule or the whole check could not run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import PurePosixPath

from tools.style.check import RULES, Report, run
from tools.style.sources import read_repository
from tools.style.spelling import DictionaryMissingError, check_spelling, corrections


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the repository and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.style", description="Check names, sizes and wording.")
    parser.add_argument(
        "paths", nargs="*", type=PurePosixPath, metavar="PATH", help="report these files and folders only"
    )
    parser.add_argument(
        "--totals", action="store_true", help="print the number of findings by subject, not each of them"
    )
    options = parser.parse_args(arguments)
    rules = RULES
    try:
        corrections()
    except DictionaryMissingError as error:
        print(f"Spelling is not checked: {error}", file=sys.stderr)
        rules = tuple(rule for rule in RULES if rule is not check_spelling)
    try:
        report = run(read_repository(), rules).below(options.paths)
    except SyntaxError as error:
        print(f"The style check could not run: {error}", file=sys.stderr)
        return 2
    _print(report, totals=options.totals)
    if rules is not RULES:
        return 2
    return 1 if report.findings else 0


def _print(report: Report, *, totals: bool) -> None:
    if totals:
        for subject, count in report.by_subject().most_common():
            print(f"{count:6} {subject}")
    else:
        for finding in report.findings:
            print(finding)
    print(f"{len(report.findings)} findings, {report.escapes} escapes")


if __name__ == "__main__":
    sys.exit(main())
