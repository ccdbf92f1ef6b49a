"""Read the defaults of the parameters in template.yaml."""

import re
from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).parents[2] / "template.yaml"
_PARAMETER: Final = re.compile(r'^  (\w+):\n(?:    .*\n)*?    Default: "?([^"\n#]*)"?', re.MULTILINE)


def read_defaults(path: Path = TEMPLATE) -> dict[str, str]:
    """Defaults by parameter. A pattern suffices; a parser of YAML would need CloudFormation's tags."""
    _, _, text = path.read_text(encoding="utf-8").partition("\nParameters:\n")
    return dict(_PARAMETER.findall(text.partition("\nRules:\n")[0]))
