"""`make bench`: the gateway's door next to the provider alone and to what a user would run instead."""
