"""The engine's proof: the real reconciler, whole, under a simulated clock, a simulated record and simulated clouds."""
