"""From a selection to an answer's text: one statement a root field, written by SQL, finished where SQL cannot."""

from db.reading.finish import Coverage, Gap, Judging, Seen
from db.reading.readings import Plan, Reading, Readings

__all__ = ["Coverage", "Gap", "Judging", "Plan", "Reading", "Readings", "Seen"]
