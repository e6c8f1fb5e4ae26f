"""What a build must not let through: prices that rot, prompts that change unseen."""
