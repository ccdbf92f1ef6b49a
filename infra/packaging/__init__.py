"""Builds the Lambda package."""
