"""Relative links in the project's Markdown files lead to files and headings that exist."""

import re
from pathlib import Path

import pytest

from tests.support.machine import PROJECT

_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<path>[^)#\s]*)(?:#(?P<heading>[^)\s]+))?\)")
_HEADING = re.compile(r"^#+ +(?P<text>.+)$", re.MULTILINE)
_FOLDERS = (".", ".github", "bench", "docs", "infra", "model_build")
PAGES = [path for folder in _FOLDERS for path in sorted((PROJECT / folder).glob("*.md"))]


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(PROJECT))) for page in PAGES])
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = [link[0] for link in _LINK.finditer(_prose(page)) if not _exists(page, link["path"], link["heading"])]
    assert broken == []


def test_links_are_found() -> None:
    assert [link["path"] for link in _LINK.finditer(_prose(PROJECT / "README.md"))].count("README.zh.md") == 1


def _prose(page: Path) -> str:
    return _CODE.sub("", _FENCED.sub("", page.read_text(encoding="utf-8")))


def _exists(page: Path, path: str, heading: str | None) -> bool:
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return heading is None or heading in _anchors(target)


def _anchors(page: Path) -> set[str]:
    """The headings as GitHub turns them into anchors."""
    headings = _HEADING.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
