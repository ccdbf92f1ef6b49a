"""LitServe: `python litserve_server.py PORT`."""

import sys
from typing import Any

import litserve as ls
from onnx_model import OnnxModel


class ClassifierAPI(ls.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002  LitServe gives it
        self.model = OnnxModel()

    def decode_request(self, request: dict[str, str]) -> str:
        return request["image"]

    def predict(self, image: str) -> dict[str, Any]:
        return self.model.classify_base64(image)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    server = ls.LitServer(ClassifierAPI(api_path="/classify"), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
