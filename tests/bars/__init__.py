"""The ledger: bars.toml and the committed results become BENCHMARKS.md."""
