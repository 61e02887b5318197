"""Proofs of the whole gateway: over HTTP, with simulated clouds, fakes of vendors, and the command as people run it."""
