"""Packaging, deployment and operation of the stack; not part of the Lambda package."""
