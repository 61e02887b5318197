"""The servers that supplygraph is measured beside, and what each is given: the same tables, settings for production."""
