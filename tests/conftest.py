"""Hypothesis profiles: the default one, and `prove`, which `make prove` selects and which tries ten times as many examples."""

from __future__ import annotations

from hypothesis import settings

# Examples have no deadline, so that a loaded machine does not fail a property.
settings.register_profile("usual", deadline=None)
settings.register_profile("prove", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("usual")
