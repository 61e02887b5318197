"""Pure functions from a vendor's JSON or XML to values."""
