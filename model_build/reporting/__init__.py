"""Runs, plots and tables for people."""
