"""What the service says of itself: its classes, its model, its health."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from handler.api.schemas import Health, Labels
from handler.contract import ModelCard


def fact_routes(card: ModelCard) -> APIRouter:
    """`/labels`, `/model` and `/health`."""
    router = APIRouter(tags=["About"])

    @router.get("/labels")
    async def labels() -> Labels:
        """Name the classes, in English and in Chinese."""
        return Labels(labels=list(card.labels))

    @router.get("/model")
    async def model() -> Mapping[str, Any]:
        """Show the model's card: how it was made, from which data, and how well it does."""
        return card.document

    @router.get("/health")
    async def health() -> Health:
        """Tell that the service is up."""
        return Health()

    return router
