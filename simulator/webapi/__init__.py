"""The Web API: /api/<method>, each family of methods in a module of its own."""
