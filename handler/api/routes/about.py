"""Routes `/labels`, `/model` and `/health`."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from handler.api.schemas import Health, Labels
from handler.contract import ModelCard


def about_routes(card: ModelCard, classes: Labels) -> APIRouter:
    """`/labels`, `/model` and `/health`."""
    router = APIRouter(tags=["About"])

    @router.get("/labels")
    async def labels() -> Labels:
        """List the classes, in English and in Chinese, and tell what the model is."""
        return classes

    @router.get("/model")
    async def model() -> Mapping[str, Any]:
        """Get the model card: training, data, accuracy, known weaknesses."""
        return card.document

    @router.get("/health")
    async def health() -> Health:
        """Health check."""
        return Health()

    for alias in ("/healthz", "/readyz"):  # as Kubernetes' probes are often set up
        router.add_api_route(alias, health, include_in_schema=False)
    return router
