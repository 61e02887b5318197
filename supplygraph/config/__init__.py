"""The configuration: its settings, where their values come from, and errors that name the line."""
