"""Trains, quantizes and evaluates the model; never ships."""
