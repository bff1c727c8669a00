"""What the domain needs from outside: storage for records, an engine that runs agents, Slack, and background work."""
