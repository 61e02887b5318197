"""Figures about the code: `python -m tools.counts` prints them in one table."""
