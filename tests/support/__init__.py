"""Test support: emulated AWS, servers, faults, sample inputs."""
