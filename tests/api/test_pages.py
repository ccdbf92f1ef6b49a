"""The served pages: security policies, relative URLs, texts in both languages, samples and size."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from handler.api.routes.pages import STATIC_FOLDER

INDEX = (STATIC_FOLDER / "index.html").read_text(encoding="utf-8")
DOCS = (STATIC_FOLDER / "docs.html").read_text(encoding="utf-8")
ABOUT = (STATIC_FOLDER / "about.html").read_text(encoding="utf-8")
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in STATIC_FOLDER.glob("*.js") if path.name != "docs.js"}


@pytest.mark.parametrize("path", ["/", "/about", "/docs"])
def test_page_policy_allows_this_host_only(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert {"script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/", "/about", "/docs"])
def test_page_has_no_inline_script_or_style(client: TestClient, path: str) -> None:
    html = client.get(path).text
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", html) == []


def test_page_urls_are_relative_to_a_base_set_by_the_server(client: TestClient) -> None:
    html = client.get("/").text
    assert "{{" not in html
    assert 'content="http://testserver/static/' in html  # the picture that other sites show with a link
    assert 0 < html.index("<base href=") < html.index('href="static/')
    urls = re.findall(r'(?:src|href)="([^"]+)"', INDEX.replace('<base href="{{base}}">', ""))
    assert [url for url in urls if re.match(r"/|https?:", url)] == []


def referenced_paths() -> set[str]:
    """The paths that the page loads or links to."""
    linked = set(re.findall(r'(?:src|href)="([^":#]+)[#"]', INDEX + ABOUT + DOCS))
    imported = {f"static/{name}" for script in SCRIPTS.values() for name in re.findall(r'from "\./(.+)"', script)}
    styled = {f"static/{name}" for name in re.findall(r'url\("(.+?)"\)', (STATIC_FOLDER / "style.css").read_text())}
    samples = {f"static/samples/{name}" for name in re.findall(r'data-sample="(.+?)"', INDEX)}
    return (linked | imported | styled | samples) - {"{{base}}"}


@pytest.mark.parametrize("path", sorted(referenced_paths()))
def test_referenced_path_is_served(client: TestClient, path: str) -> None:
    response = client.get(f"/{path}")
    assert response.status_code == 200
    # Mangum decides by the content type whether to send text or base64.
    types = {".css": "text/css", ".js": "text/javascript", ".jpg": "image/jpeg", ".png": "image/png"}
    types |= {".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}
    assert response.headers["content-type"].startswith(types.get(Path(path).suffix, ("text/html", "application/json")))


@pytest.mark.parametrize(("html", "entry"), [(INDEX, "app.js"), (ABOUT, "about.js")], ids=["page", "about"])
def test_page_preloads_every_module(html: str, entry: str) -> None:
    modules: set[str] = set()
    found = {entry}
    while found > modules:
        modules |= found
        found |= {name for module in modules for name in re.findall(r'from "\./(.+)"', SCRIPTS[module])}
    assert set(re.findall(r'"(static/\w+\.js)"', html)) == {f"static/{name}" for name in modules}


def test_page_texts_exist_in_english_and_chinese() -> None:
    english, chinese = (texts_of(language).keys() for language in ("english", "chinese"))
    assert english == chinese
    assert len(english) > 50
    used = set(re.findall(r'data-(?:text|label)="(\w+)"', INDEX + ABOUT))
    for script in SCRIPTS.values():
        used |= set(re.findall(r'\btext\("(\w+)"', script)) | set(re.findall(r'RequestError\("(\w+)"', script))
    reasons = "".join(re.findall(r"^const REASON_BY_\w+ = ({.*?});$", SCRIPTS["api.js"], re.DOTALL | re.MULTILINE))
    used |= set(re.findall(r': "(\w+)"', reasons))
    assert used <= english


def test_sample_names_are_the_model_labels_in_chinese(client: TestClient) -> None:
    chinese = {label["english"]: label["chinese"] for label in client.get("/labels").json()["labels"]}
    names = texts_of("chinese")
    samples = {"Trouser": "trousers", "Dress": "dress", "Bag": "bag", "Sneaker": "sneaker", "Ankle boot": "boot"}
    assert {label: names[key] for label, key in samples.items()} == {label: chinese[label] for label in samples}
    assert names["tShirt"] in chinese["T-shirt/top"]


def texts_of(language: str) -> dict[str, str]:
    """The page's texts by key."""
    return dict(re.findall(r'(?:^  |, )(\w+): "(.*?)"', SCRIPTS[f"{language}.js"], re.MULTILINE))


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
def test_shipped_model_classifies_samples_correctly(client: TestClient, sample: str, label: str | None) -> None:
    path = STATIC_FOLDER / "samples" / f"{sample}.jpg"
    assert path.stat().st_size <= 40_000
    result = client.post("/classify", content=path.read_bytes()).json()
    assert (result["label"] if result["known"] else None) == label


def test_page_loads_less_than_80_kb(client: TestClient) -> None:
    loaded = re.findall(r'<(?:link|script)[^>]*"(static/[\w.]+)"', INDEX)
    responses = [client.get(f"/{path}") for path in ["", *loaded, "static/samples/thumbnails.jpg"]]
    assert sum(int(response.headers["content-length"]) for response in responses) < 80_000
