"""Clicks of real shape, written as a worker writes them, drained as in production: so large databases are made."""
