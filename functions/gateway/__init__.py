"""Calling models over HTTP."""
