"""Build inference responses: JSON, and tensors as bytes after it.

With the classification extension an output is a list of texts, "value:index:label", the highest values first; a
request for more than there are gets all. Source: Triton's docs/protocol/extension_classification.md.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handler.api.routes.open_inference.binary import packed
from handler.api.routes.open_inference.models import ServedModel
from handler.api.routes.open_inference.request import InferenceRequest, RequestedOutput
from handler.api.routes.open_inference.tensors import KNOWN
from handler.contract import Label, ModelOutput


@dataclass(frozen=True)
class InferenceResponse:
    """A body, and the length of its JSON, if bytes follow."""

    content: bytes
    json_length: int | None


def inference_response(request: InferenceRequest, output: ModelOutput, model: ServedModel) -> InferenceResponse:
    """The requested outputs, in the order of the request."""
    tensors = [_tensor(requested, output, model.labels) for requested in request.outputs]
    document = {
        "model_name": model.name,
        "model_version": model.version,
        **({} if request.id is None else {"id": request.id}),
        "outputs": [described for described, _ in tensors],
    }
    # Plain ASCII, since the id may be any text, even half of a surrogate pair.
    head = json.dumps(document).encode()
    has_bytes = any(requested.binary for requested in request.outputs)
    return InferenceResponse(head + b"".join(data for _, data in tensors), len(head) if has_bytes else None)


def _tensor(requested: RequestedOutput, output: ModelOutput, labels: Sequence[Label]) -> tuple[dict[str, Any], bytes]:
    """The JSON of a tensor, and its bytes after the JSON."""
    is_labelled = requested.tensor is not KNOWN
    values = output.probabilities if is_labelled else output.known
    described: dict[str, Any] = {"name": requested.tensor.name, "datatype": requested.tensor.datatype}
    data: Any
    if requested.classes:
        rows = values.reshape(len(values), -1)
        texts = [text for row in rows for text in _classes(row, requested.classes, labels if is_labelled else ())]
        described |= {"datatype": "BYTES", "shape": [len(rows), len(texts) // len(rows)]}
        data = packed(texts) if requested.binary else texts
    else:
        described["shape"] = list(values.shape)
        data = values.astype("<f4").tobytes() if requested.binary else values.ravel().tolist()
    if requested.binary:
        return {**described, "parameters": {"binary_data_size": len(data)}}, data
    return {**described, "data": data}, b""


def _classes(values: NDArray[np.float32], count: int, labels: Sequence[Label]) -> Iterator[str]:
    for index in np.argsort(-values, kind="stable")[:count]:
        # All digits that distinguish one float32 from the next.
        value = np.format_float_positional(values[index], trim="0")
        yield f"{value}:{index}:{labels[index].english}" if labels else f"{value}:{index}"
