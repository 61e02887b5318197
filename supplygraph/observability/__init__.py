"""Logs, metrics and runtime statistics."""
