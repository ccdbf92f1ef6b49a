"""OpenAPI document with examples of the served model, summaries, and names for what code generators need named.

openapi-generator's Java cannot name an array that is one of several alternatives, so each is a component of its own.
"""

import base64
import io
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from handler.api.classification import TOP_K
from handler.api.schemas import Labels

_BEST = 3  # the class of the examples, where there are as many
_SCORES = (0.988, 0.003, 0.001)


def complete_document(document: Mapping[str, Any], classes: Labels) -> None:
    """Complete FastAPI's `document` in place."""
    schemas: dict[str, Any] = document["components"]["schemas"]
    _add_summaries(document)
    _add_examples(document, classes)
    _limit_top_k(document["paths"], len(classes.labels))
    for place in [document["paths"], *schemas.values()]:
        _name_arrays(place, schemas)


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _add_summaries(document: Mapping[str, Any]) -> None:
    """A description of one sentence is a better summary than the name of a function."""
    for operation in _operations(document):
        if "\n" not in operation.get("description", "\n"):
            operation["summary"] = operation.pop("description").removesuffix(".")


def _add_examples(document: Mapping[str, Any], classes: Labels) -> None:
    image, labels = _image(), len(classes.labels)
    schemas: dict[str, Any] = document["components"]["schemas"]
    for place in [document["paths"], *schemas.values()]:
        for schema in _schemas_in(place):
            if schema.get("format") == "image-base64":
                schema["examples"] = [image]
    for name, example in _response_examples(classes).items():
        if name in schemas:
            schemas[name].update(example=example)
    if "V1Prediction" in schemas:
        schemas["V1Prediction"]["properties"]["probabilities"].update(minItems=labels, maxItems=labels)
    scores = [{"label": each["label"], "score": each["score"]} for each in _classification(classes)["predictions"]]
    requests = _request_examples(image, min(TOP_K, labels))
    for operation in _operations(document):
        name = operation["operationId"].replace("_version_", "_")
        if name in requests:
            operation["requestBody"]["content"]["application/json"]["example"] = requests[name]
        if name == "hugging_face":
            operation["responses"]["200"]["content"]["application/json"]["example"] = scores
        for parameter in operation.get("parameters", []):
            if parameter["name"] == "model":
                parameter["example"] = classes.name


def _limit_top_k(place: Any, classes: int) -> None:
    """Let no request ask for more classes than there are, where they are limited at all."""
    for schema in _schemas_in(place):
        match schema:
            case {"properties": {"top_k": {"maximum": _} as top_k}}:
                top_k["maximum"] = classes


def _request_examples(image: str, top_k: int) -> dict[str, Any]:
    """Of JSON bodies, by operation."""
    encoded = {"name": "encoded", "datatype": "BYTES", "shape": [1], "data": [image]}
    return {
        "classify": {"image": image, "top_k": top_k},
        "classify_batch": {"images": [{"image": image, "name": "photo.png"}]},
        "hugging_face": {"inputs": image, "parameters": {"top_k": top_k}},
        "model_infer": {"inputs": [encoded], "outputs": [{"name": "probabilities"}]},
        "predict_instances": {"instances": [{"b64": image, "key": "1"}]},
    }


def _response_examples(classes: Labels) -> dict[str, Any]:
    """Of the schemas of responses, by their names."""
    answer, count, described = _classification(classes), len(classes.labels), classes.model_dump()
    probabilities = [_score_of(class_id, answer) for class_id in range(count)]
    tensor = {"name": "probabilities", "datatype": "FP32", "shape": [1, count], "data": probabilities}
    return {
        "ClassificationResponse": answer,
        "ExplainedResponse": answer,
        "BatchResponse": {"results": [{"index": 0, "name": "photo.png", "status": 200, "answer": answer}]},
        "Done": {"id": "0" * 32, "status": "done", **answer},
        "StoredCorrection": {"id": "0" * 64, "class_id": answer["class_id"], "label": answer["label"]},
        "V1Prediction": {**answer, "probabilities": probabilities, "key": "1"},
        "Predictions": {"predictions": [{**answer, "probabilities": probabilities, "key": "1"}]},
        "Inference": {"model_name": classes.name, "model_version": "1", "outputs": [tensor]},
        "Models": {"models": [classes.name]},
        "PredictModels": {"models": [classes.name]},
        "PredictModel": {"name": classes.name, "ready": True},
        "ModelReady": {"name": classes.name, "ready": True},
        "Labels": {**described, "labels": described["labels"][:_BEST]},
    }


def _classification(classes: Labels) -> dict[str, Any]:
    best = classes.labels[min(_BEST, len(classes.labels) - 1)]
    others = [label for label in (classes.labels[0], classes.labels[-1]) if label is not best]
    predictions = [
        {"label": label.english, "class_id": label.class_id, "score": score}
        for label, score in zip([best, *others], _SCORES, strict=False)
    ]
    return {**predictions[0], "known": True, "known_score": 0.997, "confident": True, "predictions": predictions}


def _score_of(class_id: int, answer: Mapping[str, Any]) -> float:
    return next((each["score"] for each in answer["predictions"] if each["class_id"] == class_id), 0.001)


def _image() -> str:
    """A small image as base64, so that an example can be tried out as it is."""
    image, file = Image.new("L", (28, 28)), io.BytesIO()
    image.paste(200, (8, 3, 20, 25))
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _schemas_in(place: Any) -> Iterator[dict[str, Any]]:
    """All objects below `place`, and itself."""
    if isinstance(place, dict):
        yield place
    for below in place.values() if isinstance(place, dict) else place if isinstance(place, list) else ():
        yield from _schemas_in(below)


def _name_arrays(place: Any, schemas: dict[str, Any]) -> None:
    """Move arrays that are alternatives below `place` into `schemas`, and refer to them; equal ones share a name."""
    names = {repr(schema): name for name, schema in schemas.items() if name.startswith("Array")}
    for schema in list(_schemas_in(place)):
        for alternatives in (schema.get("anyOf", []), schema.get("oneOf", [])):
            for index, alternative in enumerate(alternatives):
                if alternative.get("type") == "array":
                    name = names.setdefault(repr(alternative), f"Array{len(names) + 1}")
                    schemas[name] = alternative
                    alternatives[index] = {"$ref": f"#/components/schemas/{name}"}
