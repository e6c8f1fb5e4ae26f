"""How callers speak: each dialect read into the platform's words and written back out of them."""
