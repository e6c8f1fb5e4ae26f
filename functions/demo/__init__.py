"""What anybody may try without a key: narrow, cheap, and paid from one purse a day."""
