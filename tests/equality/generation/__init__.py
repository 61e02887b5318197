"""Random operations from a seed: trees of fields, and the documents that express them."""
