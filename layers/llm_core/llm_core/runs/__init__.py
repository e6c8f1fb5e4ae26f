"""Runs of agents: what is kept of one, who may change it, and the list of its events that everybody is shown."""
