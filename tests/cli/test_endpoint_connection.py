"""`classify --endpoint`: the key, redirects, certificates and proxies."""

import json
import ssl
from pathlib import Path

import pytest
import trustme

from tests.support.command_line import classify
from tests.support.machine import free_port
from tests.support.scripted_server import Reply, Sent, refusing_first, scripted

KEY = "a-key-of-the-test"


def test_redirect_is_reported_and_not_followed(folder: Path, expected: bytes) -> None:
    with (
        scripted(refusing_first([], expected)) as (other_server, other_address),
        scripted(lambda *_: Reply(307, headers={"location": other_address})) as (_, address),
    ):
        ended = classify("good.png", "--endpoint", address, cwd=folder, variables={"CLASSIFIER_API_KEY": KEY})
    assert f"the endpoint returned 307 Temporary Redirect: to {other_address}" in ended.stderr
    assert other_server.sent == []


def test_key_is_sent_and_never_printed(folder: Path, expected: bytes) -> None:
    def script(sent: Sent, _: int) -> Reply:
        has_key = sent.headers.get("x-api-key") == KEY
        return Reply(200, expected) if has_key else Reply(403, b'{"message": "Forbidden"}')

    with scripted(script) as (_, address):
        arguments = ("good.png", "--endpoint", address)
        with_key, padded, wrong, without = (
            classify(*arguments, cwd=folder, variables=variables)
            for variables in (
                {"CLASSIFIER_API_KEY": KEY},
                {"CLASSIFIER_API_KEY": f" {KEY}\n"},
                {"CLASSIFIER_API_KEY": f"not-{KEY}"},
                {},
            )
        )
    assert [ended.returncode for ended in (with_key, padded, wrong, without)] == [0, 0, 2, 2]
    assert "the endpoint returned 403 Forbidden: Forbidden" in wrong.stderr
    assert not any(KEY in ended.stdout + ended.stderr for ended in (with_key, padded, wrong, without))


@pytest.mark.parametrize(
    ("address", "key", "message"),
    [
        pytest.param(
            "http://classifier.example/Prod", KEY, "would send the key unencrypted", id="unencrypted to a name"
        ),
        pytest.param("http://192.0.2.1", KEY, "would send the key unencrypted", id="unencrypted to an address"),
        pytest.param(
            "http://127.0.0.1.classifier.example",
            KEY,
            "would send the key unencrypted",
            id="name that looks like loopback",
        ),
        pytest.param(
            "https://classifier.example",
            f"{KEY}\r\nhost: x",
            "characters that are not printable ASCII",
            id="line break",
        ),
        pytest.param(
            "https://classifier.example", f"{KEY}é", "characters that are not printable ASCII", id="not ASCII"
        ),
    ],
)
def test_key_is_not_sent_unencrypted_or_malformed(folder: Path, address: str, key: str, message: str) -> None:
    ended = classify("good.png", "--endpoint", address, cwd=folder, variables={"CLASSIFIER_API_KEY": key})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert KEY not in ended.stderr


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_for(name: str, authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_https_trusts_the_authority_in_ssl_cert_file(folder: Path, expected: bytes, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    variables = {"SSL_CERT_FILE": "ca.pem", "CLASSIFIER_API_KEY": KEY}
    with scripted(refusing_first([], expected), tls_for("127.0.0.1", authority)) as (server, address):
        ended = classify("good.png", "--json", "--endpoint", address, cwd=folder, variables=variables)
    assert json.loads(ended.stdout) == {"path": "good.png", **json.loads(expected)}
    assert server.sent[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    ("certified", "is_authority_named", "reason"),
    [
        pytest.param("127.0.0.1", False, "certificate", id="unknown authority"),
        pytest.param("classifier.example", True, "certificate is not valid for '127.0.0.1'", id="another name"),
    ],
)
def test_untrusted_certificate_is_refused(
    folder: Path, authority: trustme.CA, certified: str, is_authority_named: bool, reason: str
) -> None:
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    variables = {"SSL_CERT_FILE": "ca.pem"} if is_authority_named else {}
    with scripted(lambda *_: Reply(200), tls_for(certified, authority)) as (server, address):
        ended = classify("good.png", "--endpoint", address, cwd=folder, variables=variables)
    assert "its certificate is not trusted (" in ended.stderr
    assert reason in ended.stderr
    assert (ended.returncode, server.sent, server.connections) == (2, [], 1)


def test_proxy_in_the_environment_is_used(folder: Path, expected: bytes) -> None:
    with scripted(refusing_first([], expected)) as (proxy, proxy_address):
        variables = {"http_proxy": proxy_address}
        ended = classify("good.png", "--endpoint", "http://classifier.example/Prod", cwd=folder, variables=variables)
    assert ended.returncode == 0
    assert proxy.sent[0].target == "http://classifier.example/Prod/classify?top_k=1"


def test_loopback_address_bypasses_the_proxy(folder: Path, expected: bytes) -> None:
    with scripted(refusing_first([], expected)) as (_, address):
        variables = {"http_proxy": f"http://127.0.0.1:{free_port()}"}
        ended = classify("good.png", "--endpoint", address, cwd=folder, variables=variables)
    assert ended.returncode == 0


def test_invalid_proxy_exits_2_with_a_message(folder: Path) -> None:
    variables = {"https_proxy": "proxy.example:3128"}
    ended = classify("good.png", "--endpoint", "https://classifier.example", cwd=folder, variables=variables)
    assert (ended.returncode, ended.stderr) == (2, "the proxy for https in the environment is not a valid URL\n")
