"""The sections of the documentation that `python -m tests.docs` writes."""
