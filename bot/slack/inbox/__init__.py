"""What waits for whom, as Home, as a list and as a daily summary. Pure."""
