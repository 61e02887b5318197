"""The commands of `supplygraph`."""
