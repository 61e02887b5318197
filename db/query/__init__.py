"""From a selection to the text of its answer: SQL writes JSON text, and Python fills in what SQL cannot print.

README.md explains the folder with a worked example.
"""
