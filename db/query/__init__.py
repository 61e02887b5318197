"""From a selection to the text of its answer: SQL writes the text, and Python fills what SQL cannot print.

README.md explains the folder with one worked example.
"""
