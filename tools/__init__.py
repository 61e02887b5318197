"""Checks and figures about the repository itself. Nothing here is part of the product."""
