"""Parsing of request bodies: raw bytes, forms, base64 and JSON."""
