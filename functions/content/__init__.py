"""Posts, the agents that write them for a person to approve, and when they appear."""
