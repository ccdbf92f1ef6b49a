"""The kinds of requests that servers are compared by, each with what its right response contains."""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bench.load import Payload
from bench.payloads import CLASS_ID, JSON, LABEL, as_json, doubtful_png, photo, small_png, tensor_binary, tensor_json

_PROBABILITIES_BYTES: Final = 40  # ten float32


@dataclass(frozen=True)
class Kind:
    """A request; `expect` checks its first response, and returns bytes that all others must contain."""

    payload: Payload
    expect: Callable[[bytes], bytes]


def _label(reply: bytes) -> bytes:
    if json.loads(reply)["label"] != LABEL:
        raise ValueError(f"not {LABEL}")
    return _up_to_label(reply)


def _up_to_label(reply: bytes) -> bytes:
    """For a photo, any label is accepted: the peers only resize it, and are wrong."""
    text = json.dumps(json.loads(reply)["label"]).encode()
    return reply[: reply.index(text) + len(text)]


def _tensor(reply: bytes) -> bytes:
    (output,) = json.loads(reply)["outputs"]
    _check(output["data"])
    return reply[reply.index(b'"data"') :][:80]


def _binary(reply: bytes) -> bytes:
    _check(struct.unpack("<10f", reply[-_PROBABILITIES_BYTES:]))
    return reply[-_PROBABILITIES_BYTES:]


def _check(probabilities: Any) -> None:
    if max(range(len(probabilities)), key=probabilities.__getitem__) != CLASS_ID:
        raise ValueError(f"not {LABEL}")


SMALL, RAW, PHOTO = "28x28 PNG, base64 in JSON", "28x28 PNG, raw body", "22 kB photo, base64 in JSON"
DOUBTFUL = "28x28 PNG in doubt, base64 in JSON"
TENSOR_JSON, TENSOR_BINARY = "v2 tensor, JSON", "v2 tensor, binary"
KINDS: Final = {
    SMALL: Kind(Payload(as_json(small_png()), JSON), _label),
    DOUBTFUL: Kind(Payload(as_json(doubtful_png()), JSON), _label),
    RAW: Kind(Payload(small_png(), {"Content-Type": "image/png"}), _label),
    TENSOR_JSON: Kind(Payload(tensor_json(), JSON), _tensor),
    TENSOR_BINARY: Kind(Payload(*tensor_binary()), _binary),
    PHOTO: Kind(Payload(as_json(photo()), JSON), _up_to_label),
}
