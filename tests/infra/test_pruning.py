"""What is pruned from the package is imported by no module that ships; slower tests try the package itself."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import pytest

from infra.packaging.pruning import PRUNED
from tests.support.machine import PROJECT


def is_pruned(path: str) -> bool:
    """Whether the file `path` of the package, or a folder above it, is removed."""
    places = [path.removesuffix(".py"), path, *map(str, PurePosixPath(path).parents)]
    return any(fnmatchcase(place, pattern) for place in places for pattern in PRUNED)


SHIPPED = [
    path for path in sorted(PROJECT.glob("handler/**/*.py")) if not is_pruned(path.relative_to(PROJECT).as_posix())
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_shipped_module_imports_nothing_that_is_pruned(path: Path) -> None:
    assert [name for name in imported(path) if is_pruned(f"{name.replace('.', '/')}.py")] == []


def test_pruned_module_is_recognized() -> None:
    assert is_pruned("PIL/ImageDraw.py")
    assert is_pruned("numpy/random.py")
    assert not is_pruned("PIL/ImageFilter.py")


def imported(path: Path) -> Iterator[str]:
    """Dotted names of modules that `path` imports, and of what it imports from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
