"""What a turn costs: `make bench`. See docs/benchmarks.md."""
