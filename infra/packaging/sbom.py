"""Software bill of materials of a package, as CycloneDX 1.6 (ECMA-424): libraries, model, data sets and licences.

Reproducible: it has no timestamp and no serial number.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final

FILE: Final = "sbom.cdx.json"
_CARD: Final = Path("handler", "model", "classifier.json")


def write_sbom(package: Path) -> None:
    """Write the bill of materials of the folder `package` into it."""
    card = json.loads((package / _CARD).read_text(encoding="utf-8"))
    libraries = sorted(map(_library, distributions(path=[str(package)])), key=lambda library: str(library["purl"]))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "application", "name": "clothes-classifier"}},
        "components": [*libraries, _model(card), *_datasets(card.get("dataset") or {})],
    }
    (package / FILE).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _library(distribution: Distribution) -> Mapping[str, Any]:
    name, version = distribution.name, distribution.version
    purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"  # names are normalized by PEP 503
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        **_licences(distribution),
    }


def _licences(distribution: Distribution) -> Mapping[str, Any]:
    """Licences from the package metadata: an SPDX expression, classifiers, or a line of text."""
    metadata = distribution.metadata.json
    if expression := metadata.get("license_expression"):
        return {"licenses": [{"expression": expression}]}
    classifiers = [each for each in metadata.get("classifier", []) if each.startswith("License :: ")]
    text = str(metadata.get("license", ""))
    names = [each.rpartition(" :: ")[2] for each in classifiers] or ([text] if text and "\n" not in text else [])
    return {"licenses": [{"license": {"name": name}} for name in names]} if names else {}


def _model(card: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": card["name"],
        "version": card["version"],
        "hashes": [{"alg": "SHA-256", "content": card["model"]["sha256"]}],
    }


def _datasets(dataset: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The data sets that the model was trained on."""
    for each in (dataset, dataset.get("photos")):
        if each:
            known: dict[str, Any] = {"type": "data", "bom-ref": f"dataset-{each['name']}", "name": each["name"]}
            if "licence" in each:  # unknown for a folder of one's own images
                known["licenses"] = [{"license": {"name": each["licence"]}}]
            if "source" in each:
                known["externalReferences"] = [{"type": "website", "url": each["source"]}]
            yield known
