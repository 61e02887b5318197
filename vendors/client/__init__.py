"""One account at one vendor: transport, rate limits, failures, price lists."""
