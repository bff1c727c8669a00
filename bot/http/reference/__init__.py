"""How the API describes itself: the OpenAPI document, and a page that is made of it."""
