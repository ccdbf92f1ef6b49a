"""Benchmarks: time, bytes and dollars of this project, compared with other implementations. Not shipped."""
