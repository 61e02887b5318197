"""The servers that supplygraph is compared with: they read the same tables and run with their production settings."""
