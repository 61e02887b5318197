"""Pure decisions. A module here imports only `domain` and other rules, and does no I/O."""
