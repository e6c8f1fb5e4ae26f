"""As in the real llm_core: what an unknown key raises."""


class Unauthorized(Exception):
    """No such key."""
