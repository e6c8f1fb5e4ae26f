"""Agents' runs while the doors' process is killed: by real signals, at moments that nobody chose."""
