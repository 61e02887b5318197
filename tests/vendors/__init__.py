"""Tests of the vendors and of their common client code."""
