"""Answers GraphQL and REST reads: root-field resolvers, operations from text to answer, freshness."""
