"""Sections in; their JSON, their plots and one Markdown document of all that were ever measured out, in a folder."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from bench.machine import Machine
from bench.sections import Cell, Plot, Section, Table

FOLDER: Final = Path(__file__).with_name("results")
DOCUMENT: Final = "README.md"  # which a forge shows below the folder


def keep(section: Section, machine: Machine, folder: Path = FOLDER) -> None:
    """Write `section` as NAME.json, and its plots as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"machine": asdict(machine), "section": asdict(section)}
    (folder / f"{section.name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for plot in section.plots:
        _draw(plot, folder / f"{plot.name}.png")


def write_document(order: tuple[str, ...], folder: Path = FOLDER) -> str:
    """All sections that are kept in `folder`, in `order`, as Markdown; each names the machine that it ran on."""
    kept = [folder / f"{name}.json" for name in order]
    parts = [_part(json.loads(path.read_text(encoding="utf-8"))) for path in kept if path.exists()]
    text = "\n\n".join(["# Measured", "Made by `make bench`; nothing here is written by hand.", *parts]) + "\n"
    (folder / DOCUMENT).write_text(text, encoding="utf-8")
    return text


def markdown(table: Table) -> str:
    """`table` as Markdown."""
    lines = [table.columns, ["---"] * len(table.columns), *([_text(cell) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _part(document: dict[str, Any]) -> str:
    section, machine = document["section"], Machine(**document["machine"])
    versions = ", ".join(f"{name} {version}" for name, version in section["versions"].items())
    parts = [f"## {section['title']}", " ".join([*section["method"], f"{machine.sentence}", f"{versions}."])]
    for table in section["tables"]:
        parts += [f"**{table['title']}**", markdown(Table(**table))]
    parts += [f"![{plot['title']}]({plot['name']}.png)" for plot in section["plots"]]
    notes = "\n".join(f"- {note}" for note in section["notes"])
    return "\n\n".join([*parts, *filter(None, [notes])])


def _text(cell: Cell) -> str:
    if cell is None:
        return "not measured"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _draw(plot: Plot, path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  half a second

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    axes = figure.subplots()
    names = [x for points in plot.series.values() for x, _ in points if isinstance(x, str)]
    ticks = list(dict.fromkeys(names))
    width = 0.8 / max(len(plot.series), 1)
    for place, (name, points) in enumerate(plot.series.items()):
        if ticks:
            axes.bar(
                [ticks.index(str(x)) + place * width for x, _ in points], [y for _, y in points], width, label=name
            )
        else:
            axes.plot([float(x) for x, _ in points], [y for _, y in points], marker="o", label=name)
    if ticks:
        axes.set_xticks([place + 0.4 - width / 2 for place in range(len(ticks))], ticks)
    axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label)
    if plot.log_x:
        axes.set_xscale("log")
    if plot.log_y:
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    if len(plot.series) > 1:
        figure.legend(loc="outside right upper")
    figure.savefig(path, dpi=120, metadata={"Software": None})
