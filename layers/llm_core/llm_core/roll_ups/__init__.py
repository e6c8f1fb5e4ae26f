"""Sums of the usage rows by hour and by day: what a dashboard reads instead of the rows."""
