"""The configuration file, environment variables and secrets."""
