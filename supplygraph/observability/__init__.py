"""Logs, metrics and statistics of a running gateway."""
