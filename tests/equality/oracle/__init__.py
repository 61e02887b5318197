"""The rules of answers stated a second time, over plain values: independent of the product's SQL and of its plans."""
