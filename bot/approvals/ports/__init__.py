"""What the domain needs of the world: where records are kept, what runs agents, Slack, and work."""
