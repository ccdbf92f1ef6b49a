"""Builds and describes what is deployed; never ships."""
