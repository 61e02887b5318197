"""All rules, and one run of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from tools.style.escapes import apply_escapes, read_escapes
from tools.style.findings import Finding, Rule
from tools.style.identifiers import check_class_names, check_identifiers
from tools.style.modules import check_module_names
from tools.style.sizes import check_folder_sizes, check_function_sizes, check_module_sizes
from tools.style.sources import Source
from tools.style.spelling import check_spelling
from tools.style.vocabulary import check_docstring_starts, check_words

RULES: Final[tuple[Rule, ...]] = (
    check_identifiers,
    check_class_names,
    check_module_names,
    check_module_sizes,
    check_function_sizes,
    check_folder_sizes,
    check_words,
    check_docstring_starts,
    check_spelling,
)


@dataclass(frozen=True)
class Report:
    """The findings of one run, in the order of their places, and the number of escape comments in use."""

    findings: list[Finding]
    escapes: int

    def below(self, paths: Sequence[PurePosixPath]) -> Report:
        """Return the findings in these files and folders alone; all of them if the list is empty."""
        if not paths:
            return self
        findings = [each for each in self.findings if any(each.path.is_relative_to(path) for path in paths)]
        return Report(findings, self.escapes)

    def by_subject(self) -> Counter[str]:
        """Count the findings of each subject."""
        return Counter(finding.subject for finding in self.findings)


def run(sources: Sequence[Source], rules: Sequence[Rule] = RULES) -> Report:
    """Run the rules over the files. Raises SyntaxError, and DictionaryMissingError from the spelling rule."""
    escapes, findings = read_escapes(sources)
    findings += apply_escapes([finding for rule in rules for finding in rule(sources)], escapes)
    return Report(sorted(set(findings)), len(escapes))
