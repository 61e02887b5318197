"""Tokens and who a request comes from."""
