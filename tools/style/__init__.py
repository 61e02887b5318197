"""The style check: `python -m tools.style` reports names, sizes and wording that the project does not accept."""
