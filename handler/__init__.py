"""Image classifier of clothes: HTTP API, S3 worker and command line. This package is all that ships."""

import os
from time import perf_counter

IMPORTED = perf_counter()  # the package's first statement: a cold start is measured from here

__version__ = "0.2.0"  # the project's one version number; the build reads it from here

# numpy's linear algebra, unused here, would start a thread for each processor: half of numpy's import time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
