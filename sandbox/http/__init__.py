"""The HTTP side of the simulated cloud: REST API, control routes, server and call log."""
