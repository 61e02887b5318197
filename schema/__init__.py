"""The public GraphQL API as Strawberry types."""
