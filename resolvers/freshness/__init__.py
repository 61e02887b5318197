"""Freshness of what was read: demands, permissions, evaluation against the demands, reports."""
