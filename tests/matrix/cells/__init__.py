"""Runs the cells of the matrix: the faulty clouds, the gateway over them, and the judgment of the results."""
