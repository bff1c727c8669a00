"""What waits for whom: lists, Home, and the daily summary."""
