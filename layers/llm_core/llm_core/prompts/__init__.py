"""Our own prompts: one TOML file a use case, named blocks, a version that changes with the text."""
