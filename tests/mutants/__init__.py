"""The engine with one rule broken at a time, as patches: proof that whatever guards the rule can fail."""
