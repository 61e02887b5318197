"""A simulated cloud behind real HTTP, for demos, tests and benchmarks."""
