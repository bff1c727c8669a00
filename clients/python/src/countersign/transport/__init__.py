"""HTTP/1.1 over the standard library: the same calls, sent by a thread that waits or by an event loop."""
