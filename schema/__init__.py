"""The public contract: the Strawberry types, nothing else."""
