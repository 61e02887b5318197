"""A simulated cloud of ours behind real HTTP."""
