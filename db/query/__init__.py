"""From a selection to an answer's text: one statement an operation, written by SQL, its holes filled where SQL cannot print."""

from db.query.annotated_text import Seen
from db.query.placeholders import Coverage, Gap, Judging
from db.query.reader import Plan, Reading, Readings, Unwritten

__all__ = ["Coverage", "Gap", "Judging", "Plan", "Reading", "Readings", "Seen", "Unwritten"]
