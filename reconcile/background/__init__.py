"""Periodic tasks: keeping accounts fresh and watching missing resources."""
