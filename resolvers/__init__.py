"""What answers a root field: selection, viewer, demand."""
