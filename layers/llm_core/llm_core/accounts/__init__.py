"""Accounts: what each may spend in a window, and the holds that keep every call inside it."""
