"""CORS preflights: the gateway's mock integration answers as the app does, and no function runs."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from starlette.testclient import TestClient

from handler.api.app import create_app
from handler.contract import ModelCard
from handler.inference.classifier import Classifier
from handler.settings import Settings
from tests.support.template import RESOURCES

PATHS: Final = RESOURCES["Api"]["Properties"]["DefinitionBody"]["paths"]
PREFLIGHT: Final = PATHS["/"]["options"]["x-amazon-apigateway-integration"]
REPLY: Final = PREFLIGHT["responses"]["default"]
ALLOWED_ORIGIN: Final = "access-control-allow-origin"


def preflight_headers(cors_origins: str, origin: str) -> dict[str, str]:
    """Headers of the gateway's response, by the part of Velocity that its template uses."""
    headers = {
        name.removeprefix("method.response.header.").lower(): value.strip("'")
        for name, value in REPLY["responseParameters"].items()
    }
    template = REPLY["responseTemplates"]["application/json"]["Sub"].replace("${CorsOrigins}", cors_origins)
    headers.update(_overrides(template, origin))
    return headers


def _overrides(template: str, origin: str) -> Iterator[tuple[str, str]]:
    variables, taken, active = {"origin": origin}, False, True
    for line in template.splitlines():
        match re.split(r"[(\s]", line, maxsplit=1):
            case ["#if" | "#elseif", condition]:
                active = not taken and all(_holds(term, variables) for term in condition[:-1].split(" && "))
                taken = taken or active
            case ["#set", assignment] if active and "responseOverride" in assignment:
                name, value = assignment[:-1].split(" = ")
                yield name.rpartition(".")[2].lower(), _text(value, variables)
            case ["#set", assignment] if active and "$input" not in assignment:
                name, value = assignment[:-1].split(" = ")
                variables[name.removeprefix("$")] = _text(value, variables)


def _holds(term: str, variables: dict[str, str]) -> bool:
    if found := re.fullmatch(r"\$(\w+)\.contains\((.+)\)", term):
        return _text(found[2], variables) in variables[found[1]]
    left, right = term.split(" != ")
    return _text(left, variables) != _text(right, variables)


def _text(expression: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda name: variables[name[1]], expression.strip('"'))


@pytest.mark.parametrize("origin", ["https://a.com", "https://b.com:8443", "https://a.co", "https://a.com:80", ""])
@pytest.mark.parametrize("cors_origins", ["", "*", "https://a.com", "https://b.com:8443,https://a.com"])
def test_gateway_allows_the_origins_that_the_app_allows(
    cors_origins: str, origin: str, classifier: Classifier, card: ModelCard
) -> None:
    settings = Settings.from_environment({"CORS_ORIGINS": cors_origins})
    asked: dict[str, str] = {"Access-Control-Request-Method": "POST", **({"Origin": origin} if origin else {})}
    by_app = TestClient(create_app(classifier, card, settings)).options("/classify", headers=asked)
    by_gateway = preflight_headers(cors_origins, origin)
    if origin:
        assert by_gateway.get(ALLOWED_ORIGIN) == by_app.headers.get(ALLOWED_ORIGIN)
    if origin and cors_origins:
        assert by_gateway["access-control-max-age"] == by_app.headers["access-control-max-age"]
        assert by_gateway["access-control-allow-methods"] == by_app.headers["access-control-allow-methods"]


def test_response_depends_on_the_origin_for_caches() -> None:
    assert preflight_headers("https://a.com", "https://b.com")["vary"] == "Origin"


def test_authorization_is_allowed_beside_all_other_headers() -> None:
    """Browsers do not count Authorization among the headers of `*` (Fetch standard, CORS-preflight fetch)."""
    assert preflight_headers("*", "https://a.com")["access-control-allow-headers"] == "*, Authorization"


def test_every_preflight_is_a_mock_without_credentials() -> None:
    preflights = [methods["options"] for methods in PATHS.values() if "options" in methods]
    assert len(preflights) == 3
    for each in preflights:
        assert each["security"] == []
        assert each["x-amazon-apigateway-integration"]["type"] == "mock"


def test_mock_is_text_although_all_media_types_are_binary() -> None:
    assert PREFLIGHT["contentHandling"] == REPLY["contentHandling"] == "CONVERT_TO_TEXT"


def test_every_header_of_the_mock_is_declared() -> None:
    declared = {name.lower() for name in PATHS["/"]["options"]["responses"][REPLY["statusCode"]]["headers"]}
    assert declared == set(preflight_headers("*", "https://a.com"))


def test_sam_adds_no_methods_to_the_definition() -> None:
    """It would for events, which would replace the mock."""
    assert "Events" not in RESOURCES["HttpFunction"]["Properties"]
