"""Whether every rendering answers alike: plans, graphql-core over the same statements, and an oracle without SQL.

`python -m tests.equality --help` runs as many operations as are asked for.
"""
