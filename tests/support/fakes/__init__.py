"""Stand-ins for the ports that lead out of the process. Storage has none: tests use the real one."""
