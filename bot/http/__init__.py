"""The HTTP API: any program asks people, waits for what they decide, and starts graphs. Served in the gateway's event
loop. FastAPI and uvicorn stop here."""
