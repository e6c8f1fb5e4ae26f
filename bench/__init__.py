"""Measurements, and the limits that they are held to."""
