"""Pure decisions. No module here does I/O."""
