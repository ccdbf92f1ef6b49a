"""A model file and a number of threads in, a function from pixels to answers out: one module for each runtime.

Each is imported in a process of its own, which runs nothing else.
"""
