"""Tests of parsing functions, without any calls."""
