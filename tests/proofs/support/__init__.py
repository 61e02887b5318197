"""The gateways, clouds and clocks of the proofs."""
