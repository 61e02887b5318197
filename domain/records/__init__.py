"""What is recorded and observed: resources, links, history, traces."""
