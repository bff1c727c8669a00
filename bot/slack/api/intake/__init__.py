"""What people do in Slack, as it comes in: over Socket Mode, or over HTTP."""
