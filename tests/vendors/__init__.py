"""Tests of the vendors and their transport."""
