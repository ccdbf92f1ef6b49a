"""Serve the app by uvicorn, with bounds on slow and numerous clients."""
