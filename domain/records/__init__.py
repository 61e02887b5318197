"""Observations of resources, and what the database stores of them: resources, links, history and traces."""
