"""Tests of the adapters against independent doubles, over HTTP."""
