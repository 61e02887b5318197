"""The proof that the tests notice broken rules: each patch breaks one, and its guard must fail."""
