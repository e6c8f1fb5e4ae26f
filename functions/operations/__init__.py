"""Running the platform: alerts on their way to people."""
