"""Benchmarks: what this project costs in time, bytes and dollars, beside other ways to do the same; never shipped."""
