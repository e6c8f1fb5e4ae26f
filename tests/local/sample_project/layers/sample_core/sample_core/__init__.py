"""The sample's shared code."""
