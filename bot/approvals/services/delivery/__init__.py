"""Takes a decision to the agent, which goes on, and takes its next question to people."""
