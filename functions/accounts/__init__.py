"""Who may spend how much, and who has spent what."""
