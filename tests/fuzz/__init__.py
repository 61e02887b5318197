"""Random responses of vendors, which the adapters must parse without an error."""
