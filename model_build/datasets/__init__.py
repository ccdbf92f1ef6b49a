"""Datasets: downloaded, synthesized, and joined into a training set."""
