"""template.yaml in, what AWS makes of it out, as JSON: to be run by the Python of SAM, which has the translator."""

import json
import sys
from pathlib import Path

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

template = Path(sys.argv[1])
document = yaml_parse(template.read_text(encoding="utf-8"))
for resource in document["Resources"].values():  # what `sam package` does: what is local goes to a bucket, or inline
    properties = resource.get("Properties", {})
    if resource["Type"] == "AWS::Serverless::Function":
        properties["CodeUri"] = "s3://packages/package.zip"
    if resource["Type"] == "AWS::Serverless::StateMachine":
        definition = template.parent / properties.pop("DefinitionUri")
        properties["Definition"] = json.loads(definition.read_text(encoding="utf-8"))
print(json.dumps(Translator({}, Parser()).translate(document, {})))
