"""Programs that ask through the HTTP API, behind the Engine port: nothing of them runs here."""
