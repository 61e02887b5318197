"""The write side: applying flights, accounts, pruning."""
