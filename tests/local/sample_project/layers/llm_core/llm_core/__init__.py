"""The face that local/ knows of the real llm_core."""
