"""The proof that a kill of the gateway at any instant leaves sound records."""
