"""Datasets: downloaded, rendered or drawn."""
