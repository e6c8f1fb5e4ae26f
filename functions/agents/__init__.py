"""Agents: runs are started, watched, approved and cancelled; the state machine's steps; tools and kinds."""
