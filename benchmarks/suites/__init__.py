"""What `python -m benchmarks` times, a module a suite.

Each has UNIT, what its rates count; ROUNDS, by default; works(args), the names of its works, each
with those of its variants, whose first is what the others are compared with; make(args, work,
variant, folder), the `Work` of one, built in a process of its own; and perhaps check(args), which
refuses what it cannot time, and more(args, rows), Markdown that comes after the table. `folder` is
empty at first, and shared by all of them.
"""
