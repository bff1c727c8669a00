"""Countersign as a server of the Model Context Protocol (MCP): tools with which a model asks people in Slack.

It keeps nothing. `api` calls the HTTP API, `tools` says what a model may ask and under which key, `asking` waits for
the decision and takes it, `answers` words it for the model, `tasks` does the same for clients that poll, and `server`
puts it together. `bot.cli.mcp` serves it over stdio, `bot.http.mcp` at `/mcp`.
"""
