"""The stores that keep the records: each module implements `bot.approvals.ports.Storage`."""
