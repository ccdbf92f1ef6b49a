"""Fuzz one target with atheris, which follows the coverage of this project's and Pillow's Python code.

python -m tests.fuzz.guided TARGET CORPUS [LIBFUZZER_OPTION ...]
"""

import sys

import atheris

from tests.fuzz.json_mutation import mutated

with atheris.instrument_imports(include=["handler", "PIL"], enable_loader_override=False):
    from tests.fuzz.targets import TAKES_JSON, TARGETS


def main() -> None:
    _, name, *arguments = sys.argv

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        return mutated(data, seed, lambda: atheris.Mutate(data, len(data)))[:max_size]

    options = {"custom_mutator": mutate} if name in TAKES_JSON else {}
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name], **options)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
