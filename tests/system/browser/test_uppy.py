"""Uppy's stock S3 uploader, from npm, posts an image with a ticket from a page of another origin than the bucket's.

The emulated S3 allows every origin: the bucket's CORS rules are not tried here.
"""

import base64
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from handler.result_keys import result_key
from infra.emulation.names import UPLOADS
from tests.support.aws import Cloud, WorkerOf, work_through
from tests.support.images import encoded, trousers
from tests.support.large_uploads import settings_at
from tests.support.machine import missing

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PACKAGES: Final = {"@uppy/aws-s3": "5.1.0", "@uppy/core": "5.2.0", "esbuild": "0.28.2"}  # the last one bundles them
ENTRY: Final = 'import Uppy from "@uppy/core"; import AwsS3 from "@uppy/aws-s3"; export { Uppy, AwsS3 };'

# What a shop's page would do; `ticket` is the response of POST /uploads.
UPLOAD: Final = """
async ({ ticket, image, type }) => {
  const uppy = new stock.Uppy().use(stock.AwsS3, {
    shouldUseMultipart: false,
    allowedMetaFields: [],
    getUploadParameters: (file) => ({
      method: "POST", url: ticket.url, fields: { ...ticket.fields, "Content-Type": file.type },
    }),
  });
  const bytes = Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
  uppy.addFile({ name: "trousers.png", type, data: new Blob([bytes], { type }) });
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no upload after a minute")), 60_000));
  const result = await Promise.race([uppy.upload(), late]);
  return {
    successful: result.successful.map((each) => each.response),
    failed: result.failed.map((each) => String(each.error)),
  };
}
"""


@pytest.fixture(scope="module")
def stock_uppy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page that has PACKAGES in one script, as the global variable `stock`."""
    npm = shutil.which("npm")
    if not npm:
        missing("npm not found: install Node.js")
    folder = tmp_path_factory.mktemp("uppy")
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}), encoding="utf-8")
    (folder / "entry.js").write_text(ENTRY, encoding="utf-8")
    installed = subprocess.run(
        [str(npm), "install", "--silent", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if installed.returncode:
        missing(f"npm could not install Uppy: {installed.stderr or installed.stdout}")
    bundled = ["--bundle", "--format=iife", "--global-name=stock", "--outfile=stock.js", "--log-level=error"]
    subprocess.run([folder / "node_modules" / ".bin" / "esbuild", "entry.js", *bundled], cwd=folder, check=True)
    (folder / "index.html").write_text('<!doctype html><script src="stock.js"></script>', encoding="utf-8")
    return folder


@pytest.fixture
def shop(stock_uppy: Path) -> Iterator[str]:
    """The address of a page with Uppy, by the same name as the bucket's: from another one, Chromium would ask first."""
    handler = partial(_Quiet, directory=str(stock_uppy))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Do not log."""


def test_stock_form_upload_is_stored_with_its_type_and_classified(
    chromium: Browser, shop: str, aws: Cloud, api: TestClient, worker_of: WorkerOf
) -> None:
    png = encoded(trousers())
    ticket = api.post("/uploads").json()
    page = chromium.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(shop)
    image = base64.b64encode(png).decode()
    result = page.evaluate(UPLOAD, {"ticket": ticket, "image": image, "type": "image/png"})
    page.close()

    assert (len(result["successful"]), result["failed"]) == (1, []), messages
    stored = aws.s3.head_object(Bucket=UPLOADS, Key=ticket["fields"]["key"])
    assert (stored["ContentType"], stored["ContentLength"]) == ("image/png", len(png))
    assert work_through(aws, worker_of(settings_at(aws.port))) == 2  # the test event of S3, and the upload
    assert result_key(UPLOADS, ticket["fields"]["key"], stored["VersionId"]) in aws.results()
    assert api.get(f"/{ticket['result']}").json()["status"] == "done"
