"""What the model says of some images in, the reply to an inference request out: JSON, and tensors as bytes behind it.

With the classification extension an output is told as texts, "value:index:label", its highest values first; asking
for more than there are gives all. After Triton's docs/protocol/extension_classification.md.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handler.api.routes.open_inference.binary import packed
from handler.api.routes.open_inference.request import InferenceRequest, RequestedOutput
from handler.api.routes.open_inference.tensors import PROBABILITIES
from handler.contract import Answers, Label


@dataclass(frozen=True)
class ServedModel:
    """The model as requests name it."""

    name: str
    version: str
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class InferenceReply:
    """A body, and how much of it is JSON, if not all."""

    content: bytes
    json_length: int | None


def inference_reply(request: InferenceRequest, answers: Answers, model: ServedModel) -> InferenceReply:
    """The outputs that `request` asks for, in its order."""
    tensors = [_tensor(output, answers, model.labels) for output in request.outputs]
    document = {
        "model_name": model.name,
        "model_version": model.version,
        **({} if request.id is None else {"id": request.id}),
        "outputs": [described for described, _ in tensors],
    }
    # Plain ASCII, since the id may be anything, even half of a surrogate pair.
    head = json.dumps(document).encode()
    has_bytes = any(output.binary for output in request.outputs)
    return InferenceReply(head + b"".join(data for _, data in tensors), len(head) if has_bytes else None)


def _tensor(output: RequestedOutput, answers: Answers, labels: Sequence[Label]) -> tuple[dict[str, Any], bytes]:
    """A tensor as the JSON has it, and its bytes behind the JSON."""
    is_labelled = output.tensor is PROBABILITIES
    values = answers.probabilities if is_labelled else answers.known
    described: dict[str, Any] = {"name": output.tensor.name, "datatype": output.tensor.datatype}
    data: Any
    if output.classes:
        rows = values.reshape(len(values), -1)
        texts = [text for row in rows for text in _classes(row, output.classes, labels if is_labelled else ())]
        described |= {"datatype": "BYTES", "shape": [len(rows), len(texts) // len(rows)]}
        data = packed(texts) if output.binary else texts
    else:
        described["shape"] = list(values.shape)
        data = values.astype("<f4").tobytes() if output.binary else values.ravel().tolist()
    if output.binary:
        return {**described, "parameters": {"binary_data_size": len(data)}}, data
    return {**described, "data": data}, b""


def _classes(values: NDArray[np.float32], count: int, labels: Sequence[Label]) -> Iterator[str]:
    for index in np.argsort(-values, kind="stable")[:count]:
        # All the digits that tell one float32 from the next.
        value = np.format_float_positional(values[index], trim="0")
        yield f"{value}:{index}:{labels[index].english}" if labels else f"{value}:{index}"
