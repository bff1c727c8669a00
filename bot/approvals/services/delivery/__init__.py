"""From a decision to the agent that goes on, and to what it asks next."""
