"""Plain FastAPI: `uvicorn fastapi_server:app`; a `def` endpoint, which FastAPI runs in a thread."""

from fastapi import Body, FastAPI
from onnx_model import OnnxModel
from pydantic import BaseModel

app = FastAPI()
model = OnnxModel()


class ImageRequest(BaseModel):
    image: str


class ImageResponse(BaseModel):
    label: str
    score: float


@app.post("/classify")
def classify(request: ImageRequest) -> ImageResponse:
    return ImageResponse(**model.classify_base64(request.image))


@app.post("/raw")
def classify_raw(body: bytes = Body(media_type="image/png")) -> ImageResponse:
    return ImageResponse(**model.classify(body))
