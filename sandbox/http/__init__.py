"""The HTTP side of the simulated cloud: its REST API, the control routes, the server and the call log."""
