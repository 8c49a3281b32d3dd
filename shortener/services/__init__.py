"""Verbs of the slow path: one function, one transaction, one change."""
