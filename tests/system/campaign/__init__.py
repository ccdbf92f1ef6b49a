"""Fault-injection campaign with thousands of uploads: `python -m tests.system.campaign`."""
