"""Print a template after the SAM transform for each set of parameters, as JSON. Needs the Python of SAM's environment.

python -m tests.support.sam_transformation template.yaml '{}' '{"FrontDoor": "FunctionUrl"}'
"""

import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


def packaged(template: Path) -> dict[str, Any]:
    """The template as `sam package` leaves it: local paths are replaced."""
    document: dict[str, Any] = yaml_parse(template.read_text(encoding="utf-8"))
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            properties["CodeUri"] = "s3://packages/package.zip"
        if resource["Type"] == "AWS::Serverless::StateMachine":
            definition = template.parent / properties.pop("DefinitionUri")
            properties["Definition"] = json.loads(definition.read_text(encoding="utf-8"))
    return document


if __name__ == "__main__":
    written = packaged(Path(sys.argv[1]))
    print(
        json.dumps([Translator({}, Parser()).translate(deepcopy(written), json.loads(each)) for each in sys.argv[2:]])
    )
