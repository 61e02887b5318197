"""Sources of the browser pages, and the commands that build them. Not part of the installed package."""
