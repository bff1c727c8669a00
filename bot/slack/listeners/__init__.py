"""What people do in Slack: each listener acknowledges first, then acts."""
