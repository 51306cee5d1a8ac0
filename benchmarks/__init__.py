"""Speed and memory against peers: `python -m benchmarks.<name>`; each ends non-zero when a floor is missed."""
