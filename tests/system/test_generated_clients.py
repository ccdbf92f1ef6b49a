"""Clients generated from /openapi.json, in Python and in TypeScript, classify an image at a real server.

The generators are installed into a temporary folder, since their pins would clash with others; without a package
registry the tests are skipped.
"""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.slow

PYTHON_GENERATOR = "openapi-python-client==0.29.1"
NPM_PACKAGES = ("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3")

PYTHON = """
import io, json, sys
from clothes_classifier_client import Client
from clothes_classifier_client.api.classify import classify
from clothes_classifier_client.models import ClassifyFilesBody
from clothes_classifier_client.types import File

server, image = sys.argv[1:]
content = open(image, "rb").read()
with Client(base_url=server) as client:
    for body in (File(io.BytesIO(content)), ClassifyFilesBody(File(io.BytesIO(content), "image.png"))):
        print(json.dumps(classify.sync(client=client, body=body, top_k=3).to_dict()))
"""

TYPESCRIPT = """
import createClient from "openapi-fetch";
import type { paths } from "./schema";

declare const process: { argv: string[] };
const [, , server, image] = process.argv;
const client = createClient<paths>({ baseUrl: server });
const { data, error } = await client.POST("/classify", {
  params: { query: { top_k: 3 } },
  body: { image },
});
if (!data) throw new Error(JSON.stringify(error));
const label: string = data.label;
console.log(JSON.stringify({ ...data, label }));
"""


def run(*command: str, cwd: Path) -> str:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def install(*command: str, cwd: Path) -> None:
    """Run an installation; skip the test if it fails, as it does without a registry."""
    try:
        ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{command[0]} installed nothing in two minutes")
    if ended.returncode:
        pytest.skip(f"{command[0]} cannot install the generator: {ended.stderr[-200:]}")


@pytest.fixture
def document(server: str, tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx2.get(f"{server}/openapi.json").content)
    return path


def test_generated_python_client_classifies(server: str, document: Path, tmp_path: Path, png: bytes) -> None:
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    python = str(tmp_path / "venv/bin/python")
    install(python, "-m", "pip", "install", "-q", PYTHON_GENERATOR, cwd=tmp_path)
    options = ("--meta", "none", "--output-path", "clothes_classifier_client")
    printed = run("venv/bin/openapi-python-client", "generate", "--path", document.name, *options, cwd=tmp_path)
    warnings = {line for line in printed.splitlines() if line.startswith(("Unsupported", "Invalid", "Cannot"))}
    assert warnings <= {"Unsupported content type image/*"}  # application/octet-stream is the same
    (tmp_path / "image.png").write_bytes(png)
    answers = [json.loads(line) for line in run(python, "-c", PYTHON, server, "image.png", cwd=tmp_path).splitlines()]
    assert answers == [_answer(server, png)] * 2


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs Node.js with npm")
def test_generated_typescript_client_classifies(server: str, document: Path, tmp_path: Path, drawing: bytes) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    install("npm", "install", "--no-audit", "--no-fund", *NPM_PACKAGES, cwd=tmp_path)
    run("npx", "openapi-typescript", document.name, "-o", "schema.d.ts", cwd=tmp_path)
    (tmp_path / "client.ts").write_text(TYPESCRIPT)
    options = ("--strict", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler")
    run("npx", "tsc", *options, "client.ts", cwd=tmp_path)
    image = "data:image/jpeg;base64," + base64.b64encode(drawing).decode()
    assert json.loads(run("node", "client.js", server, image, cwd=tmp_path)) == _answer(server, drawing)


def _answer(server: str, image: bytes) -> Any:
    return httpx2.post(f"{server}/classify?top_k=3", content=image).json()
