"""The write side: applying flights, configuring accounts and pruning history."""
