"""Benchmarks: what a request costs. `make bench` runs them all and writes docs/BENCHMARKS.md."""
