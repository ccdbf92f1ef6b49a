"""What ships to Lambda: an image goes in, a class of clothing comes out."""

from time import perf_counter

IMPORTED = perf_counter()  # this package's first line: a cold start is counted from here
