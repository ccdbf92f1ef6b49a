"""Load a model file in each runtime, as a function from pixels to outputs: one module per runtime.

Each is imported in a process of its own.
"""
