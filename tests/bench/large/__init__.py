"""Questions to a large database. `make bench-large` builds it, asks all and writes into docs/BENCHMARKS.md."""
