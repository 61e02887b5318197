"""The rules of answering, stated a second time over plain values: no SQL, and nothing of what reads the database."""
