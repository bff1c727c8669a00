"""What callers send (`sent`) and get (`given`), as JSON, with `examples`. OpenAPI is made of these models."""
