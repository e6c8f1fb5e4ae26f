"""What checkov, parliament and bandit find, held against what was reviewed: `make gates`."""
