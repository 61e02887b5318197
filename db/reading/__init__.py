"""From a selection to an answer's text: one statement an operation, written by SQL, its holes filled where SQL cannot print."""

from db.reading.finish import Coverage, Gap, Judging
from db.reading.marks import Seen
from db.reading.readings import Plan, Reading, Readings, Unwritten

__all__ = ["Coverage", "Gap", "Judging", "Plan", "Reading", "Readings", "Seen", "Unwritten"]
