"""The page as it is served: its addresses lead somewhere, its texts are there in both languages, its samples fit."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from handler.api.routes.pages import STATIC_FOLDER

INDEX = (STATIC_FOLDER / "index.html").read_text(encoding="utf-8")
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC_FOLDER.glob("*.js")}
TEXTS = SCRIPTS["texts.js"]


def test_the_page_is_served_with_a_policy_that_keeps_it_to_this_host(client: TestClient) -> None:
    reply = client.get("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-inline" not in policy


def test_all_addresses_are_relative_to_a_base_that_the_server_sets(client: TestClient) -> None:
    html = client.get("/").text
    assert "{{" not in html
    assert 0 < html.index("<base href=") < html.index('href="static/')
    addresses = re.findall(r'(?:src|href)="([^"]+)"', INDEX.replace('<base href="{{base}}">', ""))
    assert [address for address in addresses if re.match(r"/|https?:", address)] == []


def addresses_of_the_page() -> set[str]:
    """All that the page loads or links to."""
    linked = set(re.findall(r'(?:src|href)="([^":]+)"', INDEX))
    imported = {f"static/{name}" for script in SCRIPTS.values() for name in re.findall(r'from "\./(.+)"', script)}
    styled = {f"static/{name}" for name in re.findall(r'url\("(.+?)"\)', (STATIC_FOLDER / "style.css").read_text())}
    samples = {f"static/samples/{name}" for name in re.findall(r'data-sample="(.+?)"', INDEX)}
    return (linked | imported | styled | samples) - {"{{base}}"}


@pytest.mark.parametrize("path", sorted(addresses_of_the_page()))
def test_what_the_page_refers_to_is_there(client: TestClient, path: str) -> None:
    reply = client.get(f"/{path}")
    assert reply.status_code == 200
    # Another type of text would be damaged on its way through a gateway.
    types = {".css": "text/css", ".js": "text/javascript", ".jpg": "image/jpeg"}
    assert reply.headers["content-type"].startswith(types.get(Path(path).suffix, ("text/html", "application/json")))


def test_every_module_is_named_in_the_page_so_that_none_waits_for_another() -> None:
    assert {f"static/{name}" for name in SCRIPTS} <= addresses_of_the_page()
    assert set(re.findall(r'"(static/\w+\.js)"', INDEX)) == {f"static/{name}" for name in SCRIPTS}


def test_every_text_is_there_in_english_and_in_chinese() -> None:
    english, chinese = (keys_of(language) for language in ("en", "zh"))
    assert english == chinese
    assert len(english) > 50
    used = set(re.findall(r'data-(?:text|label)="(\w+)"', INDEX))
    for script in SCRIPTS.values():
        used |= set(re.findall(r'\btext\("(\w+)"', script)) | set(re.findall(r'Failure\("(\w+)"', script))
    assert used <= english


def keys_of(language: str) -> set[str]:
    block = re.search(rf"^  {language}: {{\n(.*?)^  }},\n", TEXTS, re.DOTALL | re.MULTILINE)
    assert block
    return set(re.findall(r'(?:^    |, )(\w+): "', block[1], re.MULTILINE))


@pytest.mark.parametrize(
    ("sample", "label"),
    [
        ("t-shirt", "T-shirt/top"),
        ("trousers", "Trouser"),
        ("dress", "Dress"),
        ("bag", "Bag"),
        ("sneaker", "Sneaker"),
        ("ankle-boot", "Ankle boot"),
        ("hat", None),
        ("mug", None),
    ],
)
def test_the_shipped_model_knows_the_samples_for_what_they_are(
    client: TestClient, sample: str, label: str | None
) -> None:
    path = STATIC_FOLDER / "samples" / f"{sample}.jpg"
    assert path.stat().st_size <= 40_000
    answer = client.post("/classify", content=path.read_bytes()).json()
    assert (answer["label"] if answer["known"] else None) == label


def test_the_page_is_small_for_a_cold_start_and_a_slow_network() -> None:
    files = [path for path in STATIC_FOLDER.iterdir() if path.is_file()]
    files.append(STATIC_FOLDER / "samples" / "thumbnails.jpg")
    assert sum(path.stat().st_size for path in files) < 80_000
