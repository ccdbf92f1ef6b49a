"""Thousands of uploads through every trouble that S3 and SQS can make: `python -m tests.system.campaign`."""
