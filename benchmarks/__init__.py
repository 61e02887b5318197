"""Benchmarks: throughput next to other servers (`bench`), and scenarios with a bound (`scenarios`)."""
