"""Write a model's version into a built template: `python -m infra.packaging.template_version TEMPLATE MODEL`.

The alarms and the dashboard watch the metrics of the version in the mapping ModelCard. `sam build` copies the one of
template.yaml, which is the version of handler/model.
"""

import re
import sys
from pathlib import Path
from typing import Final

from handler.inference.card import CARD_PATH, read_card
from infra.packaging.package import model_of

_VERSION: Final = re.compile(r"(ModelCard:\s+Version:\s+Value: )\S+")


def with_version(template: str, version: str) -> str:
    """The text of a built template, with `version` in place of the other one."""
    text, count = _VERSION.subn(lambda found: found[1] + version, template)
    if count != 1:
        raise SystemExit(f"the built template should have one version of the model, but has {count}")
    return text


def main(template: Path, model: str) -> None:
    card = read_card(model_of(model) / CARD_PATH.name)
    text = template.read_text(encoding="utf-8")
    template.write_text(with_version(text, str(card.document["version"])), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
