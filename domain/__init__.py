"""Values, enums, errors and ports. This package does no I/O and imports no other package of supplygraph."""
