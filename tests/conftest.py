"""How hard properties are tried: as usual, or ten times as hard by `make prove`."""

from __future__ import annotations

from hypothesis import settings

# A loaded machine is no reason for a property to fail: examples have no deadline.
settings.register_profile("usual", deadline=None)
settings.register_profile("prove", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("usual")
