"""Bringing the record in line with the vendors: pure decisions, and a thin shell around them."""
