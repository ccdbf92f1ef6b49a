"""docs/command-line.md names every command and option, and docs/configuration.md every setting."""

import argparse
from dataclasses import fields
from typing import Final

import pytest

from handler.cli.arguments import parser
from handler.settings import Settings
from tests.support.machine import PROJECT

PAGE: Final = (PROJECT / "docs" / "command-line.md").read_text(encoding="utf-8")


def _commands() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return dict(commands.choices)


OPTIONS: Final = {
    (command, option)
    for command, arguments in _commands().items()
    for action in arguments._actions
    for option in action.option_strings
    if option not in ("-h", "--help")
}


@pytest.mark.parametrize("command", _commands())
def test_page_names_the_command(command: str) -> None:
    assert f"clothes-classifier {command} " in PAGE


@pytest.mark.parametrize(("command", "option"), sorted(OPTIONS))
def test_page_names_the_option(command: str, option: str) -> None:
    section = PAGE.partition("\n## Serve\n")[2 if command == "serve" else 0]
    assert f"{option}`" in section or f"{option} " in section


@pytest.mark.parametrize("setting", [field.name.upper() for field in fields(Settings)])
def test_configuration_page_names_the_setting(setting: str) -> None:
    assert f"`{setting}`" in (PROJECT / "docs" / "configuration.md").read_text(encoding="utf-8")
