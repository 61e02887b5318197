"""Whether all renderings give equal answers: plans, graphql-core over the same statements, and an oracle without SQL.

`python -m tests.equality --help` describes a longer run.
"""
