"""The gateway: application, settings, command line, authentication, HTTP."""
