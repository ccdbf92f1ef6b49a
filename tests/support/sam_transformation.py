"""Print a template after the SAM transform, as JSON. Needs the Python of SAM's environment."""

import json
import sys
from pathlib import Path

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

template = Path(sys.argv[1])
document = yaml_parse(template.read_text(encoding="utf-8"))
for resource in document["Resources"].values():  # as `sam package`: replace local paths
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Serverless::Function":
        properties["CodeUri"] = "s3://packages/package.zip"
    if resource["Type"] == "AWS::Serverless::StateMachine":
        definition = template.parent / properties.pop("DefinitionUri")
        properties["Definition"] = json.loads(definition.read_text(encoding="utf-8"))
print(json.dumps(Translator({}, Parser()).translate(document, {})))
