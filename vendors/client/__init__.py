"""The client of one account at one vendor: transport, rate limits, failures and price lists."""
