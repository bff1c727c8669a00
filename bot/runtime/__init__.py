"""The process: its work queue, its ticker, its log, its health and its end."""
