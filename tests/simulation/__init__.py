"""The proof of the engine: the real reconciler, complete, with a simulated clock, a simulated store and simulated clouds."""
