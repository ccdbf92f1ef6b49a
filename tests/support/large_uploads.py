"""Presigned uploads in tests: an app that issues tickets, and a client that uploads with one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import urllib3
from fastapi import FastAPI
from starlette.testclient import TestClient

from handler.api.framework import add_problem_handlers
from handler.api.presigned_uploads import s3_client
from handler.api.routes.uploads import upload_routes
from handler.settings import Settings
from infra.emulation.names import RESULTS, UPLOADS

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

UNKNOWN: Final = "0" * 32


def settings_at(port: int) -> Settings:
    return Settings(uploads_bucket=UPLOADS, results_bucket=RESULTS, s3_endpoint_url=f"http://127.0.0.1:{port}")


def app_with(settings: Settings, connect: "Callable[[Settings], S3Client]" = s3_client) -> FastAPI:
    """An app with only the routes of tickets and results."""
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(upload_routes(settings, connect))

    @app.get("/health")
    async def health() -> None:
        pass

    return app


def upload(api: TestClient, body: bytes) -> str:
    """Upload `body` with a ticket; return the path of its result."""
    ticket = api.post("/uploads").json()
    posted = urllib3.request("POST", ticket["url"], fields={**ticket["fields"], "file": ("image", body)})
    assert posted.status == 204, posted.data
    return "/" + str(ticket["result"])
