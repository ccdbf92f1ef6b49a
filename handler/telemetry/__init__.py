"""What is measured and logged of requests and invocations."""
