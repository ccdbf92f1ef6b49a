"""Read `python -X importtime` of a module, in a fresh process for each line of input; print {package: milliseconds}."""

import json
import re
import subprocess
import sys
from collections import defaultdict

_LINE = re.compile(r"import time: +(\d+) \| +\d+ \| +(\S+)")


def main(module: str) -> None:
    for _ in sys.stdin:
        command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
        log = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        totals: defaultdict[str, float] = defaultdict(float)
        for microseconds, name in _LINE.findall(log):
            package = name.partition(".")[0]
            totals["Python's own" if package in sys.stdlib_module_names else package] += int(microseconds) / 1000
        print(json.dumps(totals), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
