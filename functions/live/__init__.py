"""The live socket: an answer while it is written and a run while it goes on, to whoever is connected."""
