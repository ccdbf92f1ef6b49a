"""Emulated AWS on this machine: moto's server with the stack's buckets and queues."""
