"""The simulated clouds: what is true at a vendor, the faults of its answers, and the calls that run."""
