"""The inbox as the Home tab, as a list and as a daily summary. Pure."""
