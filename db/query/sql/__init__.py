"""SQL that writes JSON: one builder for both databases."""
