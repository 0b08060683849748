"""The benchmark: a report on speed and memory beside other tools, not a test (nothing asserts)."""
