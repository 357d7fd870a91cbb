"""Tests, benchmarks and the ledger of bars; a package so that they can import each other by full name."""
