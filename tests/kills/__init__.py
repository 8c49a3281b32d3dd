"""Kills everything under load, again and again, and checks that every click is counted exactly once."""
