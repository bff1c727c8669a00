"""The Web API: /api/<method>. Each family of methods has its own module."""
