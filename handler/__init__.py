"""What ships to Lambda: an image goes in, a class of clothing comes out."""

import os
from time import perf_counter

IMPORTED = perf_counter()  # this package's first line: a cold start is counted from here

# numpy's linear algebra, which nothing here uses, would start a thread for each processor: half of numpy's import.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
