"""Answer inference requests of the Open Inference Protocol, from ASGI's messages to JSON and bytes."""

import numpy as np
from starlette.types import Receive, Scope

from handler.api.predictor import Predictor
from handler.api.requests.body import Body, departure, header, received_body
from handler.api.response import ApiResponse
from handler.api.routes.open_inference.binary import LENGTH_HEADER
from handler.api.routes.open_inference.models import ServedModel, ServedModels
from handler.api.routes.open_inference.request import InferenceRequest, inference_request
from handler.api.routes.open_inference.response import inference_response
from handler.contract import ModelInput
from handler.errors import ClassifierError
from handler.inference.budget import Budget
from handler.settings import Settings

_LENGTH_HEADER = LENGTH_HEADER.lower().encode()


class Inference:
    """Runs the model on what a request holds, for every name of the model."""

    def __init__(self, predictor: Predictor, models: ServedModels, settings: Settings) -> None:
        self._predictor, self.models, self._settings = predictor, models, settings

    async def answer(self, scope: Scope, receive: Receive, model: ServedModel) -> ApiResponse:
        """The requested outputs for the request's images. Raises ClassifierError."""
        body = await received_body(scope, receive, self._settings.max_body_bytes)
        length, run = header(scope, _LENGTH_HEADER), self._predictor.bulkheads.run
        return await run(departure(receive), body.bytes_to_parse, self._infer, body, length, model)

    def _infer(self, budget: Budget, body: Body, json_length: str | None, model: ServedModel) -> ApiResponse:
        request = inference_request(body.content(), json_length, self._settings.max_batch_images, model)
        response = inference_response(
            request, self._predictor.predict(_inputs(self._predictor, request, budget)), model
        )
        if response.json_length is None:
            return ApiResponse(response.content)
        headers = {LENGTH_HEADER: str(response.json_length)}
        return ApiResponse(response.content, "application/octet-stream", headers=headers)


def _inputs(predictor: Predictor, request: InferenceRequest, budget: Budget) -> list[ModelInput]:
    """Pixels are the classifier's input already; of an image file, photos get the colour network's vote."""
    if isinstance(request.images, np.ndarray):
        return [ModelInput(pixels, None) for pixels in request.images[:, np.newaxis]]
    inputs: list[ModelInput] = []
    for index, image in enumerate(request.images):
        try:
            inputs.append(predictor.prepare(image, budget))
        except ClassifierError as error:
            raise type(error)(f"{request.input}[{index}]: {error}") from error
    return inputs
