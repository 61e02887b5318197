"""The words of supplygraph as values, errors and ports. No I/O, and nothing of ours is imported."""
