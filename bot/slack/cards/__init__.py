"""Messages: records drawn as blocks. Pure."""
