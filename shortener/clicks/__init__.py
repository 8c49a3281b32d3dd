"""The click pipeline: from the worker's spool to the tables, exactly once. The redirect never waits for it."""
