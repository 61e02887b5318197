"""Rows, selections and an oracle for the tests of queries."""
