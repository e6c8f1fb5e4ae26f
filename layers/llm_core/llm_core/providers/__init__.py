"""One room per provider: our words in its words, its reply in ours, its exceptions in ours."""
