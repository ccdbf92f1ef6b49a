"""Tests that measure, or that hold the machine: no other test may run beside them."""
