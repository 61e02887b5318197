"""The storage of a run: tables in memory, alone or compared with SQLite."""
