"""Decides. No input or output, no clock, no dice, no framework: facts come in as arguments."""
