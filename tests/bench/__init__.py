"""Benchmarks behind the `make bench-*` targets; each writes one JSON file under tests/bench_results."""
