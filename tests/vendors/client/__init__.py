"""Tests of the client code that vendors share."""
