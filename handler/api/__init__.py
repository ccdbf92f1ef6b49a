"""The HTTP API: FastAPI app, routes, request parsing and error responses."""
