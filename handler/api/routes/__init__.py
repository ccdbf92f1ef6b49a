"""The dialects of the API, one a file; each is a router over the same recognition."""
