"""Clients generated from /openapi.json, in Python, TypeScript and Java, classify an image at a real server.

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
OPENAPI_GENERATOR = "openapi-generator-cli==7.26.0"  # with the jar of the same version, which has Jackson in it
JAVA_LIBRARIES = [Path("/usr/share/java", f"{name}.jar") for name in ("httpmime", "geronimo-annotation-1.3-spec")]
JAVA_OPTIONS = "openApiNullable=false,disallowAdditionalPropertiesIfNotPresent=false"
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

OPENAPI_GENERATORS_PYTHON = """
import sys
from openapi_client import ApiClient, ClassifyApi, Configuration

server, image = sys.argv[1:]
with ApiClient(Configuration(host=server)) as client:
    answer = ClassifyApi(client).classify(file=image, top_k=3, _content_type="multipart/form-data")
    print(answer.to_json())
"""

JAVA = """
import java.io.File;
import org.openapitools.client.ApiClient;
import org.openapitools.client.JSON;
import org.openapitools.client.api.ClassifyApi;

public class Classify {
    public static void main(String[] arguments) throws Exception {
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        var answer = new ClassifyApi(client).classify(new File(arguments[1]), 3, false, null, null);
        System.out.println(JSON.getDefault().getMapper().writeValueAsString(answer));
    }
}
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
    path.write_bytes(httpx2.get(f"{server}/openapi.json", timeout=60).content)
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


@pytest.fixture
def openapi_generator(tmp_path: Path) -> Path:
    """The jar of openapi-generator, in a virtual environment in the test's folder."""
    if shutil.which("javac") is None:
        pytest.skip("needs a Java development kit")
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    install("venv/bin/python", "-m", "pip", "install", "-q", OPENAPI_GENERATOR, cwd=tmp_path)
    (jar,) = tmp_path.glob("venv/lib/*/site-packages/openapi_generator_cli/*.jar")
    return jar


def generate(generator: Path, document: Path, language: str, *options: str) -> None:
    run("java", "-jar", str(generator), "generate", "-i", document.name, "-g", language, *options, cwd=document.parent)


def test_python_client_of_openapi_generator_classifies(
    server: str, document: Path, openapi_generator: Path, tmp_path: Path, png: bytes
) -> None:
    generate(openapi_generator, document, "python", "-o", "client")
    install("venv/bin/python", "-m", "pip", "install", "-q", "./client", cwd=tmp_path)
    (tmp_path / "image.png").write_bytes(png)
    printed = run("venv/bin/python", "-c", OPENAPI_GENERATORS_PYTHON, server, "image.png", cwd=tmp_path)
    assert json.loads(printed) == {**_answer(server, png), "explanation": None}


@pytest.mark.skipif(
    not all(path.exists() for path in JAVA_LIBRARIES),
    reason="needs Debian's libhttpmime-java and libgeronimo-annotation-1.3-spec-java",
)
def test_java_client_of_openapi_generator_classifies(
    server: str, document: Path, openapi_generator: Path, tmp_path: Path, png: bytes
) -> None:
    options = ("--library", "native", "--generate-alias-as-model", f"--additional-properties={JAVA_OPTIONS}")
    generate(openapi_generator, document, "java", "-o", "client", *options)
    (tmp_path / "Classify.java").write_text(JAVA)
    (tmp_path / "image.png").write_bytes(png)
    sources = map(str, (tmp_path / "client/src/main/java").rglob("*.java"))
    libraries = ":".join(map(str, [openapi_generator, *JAVA_LIBRARIES]))
    run("javac", "-nowarn", "-proc:none", "-d", "classes", "-cp", libraries, *sources, "Classify.java", cwd=tmp_path)
    printed = run("java", "-cp", f"{libraries}:classes", "Classify", server, "image.png", cwd=tmp_path)
    assert json.loads(printed) == _answer(server, png)


def _answer(server: str, image: bytes) -> Any:
    return httpx2.post(f"{server}/classify?top_k=3", content=image, timeout=60).json()
