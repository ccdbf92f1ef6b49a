"""Tables of the figures on photos, from the model card, for the README and the documents."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_BEGIN, _END = "<!-- written by python -m model_build evaluate-photos: {} -->\n", "<!-- end -->\n"

TEMPLATE: Final = "template.yaml"
_ROOT: Final = Path(__file__).parents[2]

Document = Mapping[str, Any]


def write_documents(card: Document, root: Path = _ROOT) -> list[Path]:
    """Write the figures into the documents below `root`, the version into the template; returns what has changed."""
    changed = []
    for name in (*DOCUMENTS, TEMPLATE):
        text = (root / name).read_text(encoding="utf-8")
        updated = with_version(text, card) if name == TEMPLATE else with_tables(text, card)
        if updated != text:
            (root / name).write_text(updated, encoding="utf-8")
            changed.append(root / name)
    return changed


def with_version(template: str, card: Document) -> str:
    """`template` with the version of `card`, by which the alarms choose their metrics."""
    return re.sub(r"sha256-[0-9a-f]{12}\b", card["version"], template)


def with_tables(text: str, card: Document) -> str:
    """`text` with every table between the markers as `card` has it."""
    for name, table in TABLES.items():
        begin = _BEGIN.format(name)
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(_END), re.DOTALL)
        text = pattern.sub(lambda _, begin=begin, table=table: begin + table(card) + _END, text)  # type: ignore[misc]
    return text


def summary(card: Document) -> str:
    """The main figures, for the README."""
    return _summary(
        card,
        ("photos that no network was trained on", "result", "n", "95 % interval"),
        {
            "all": "label right, kinds of shoes told apart",
            "further_kinds": "of these: polos, hoodies, blazers, tops, and children's clothes",
            "shoes": "sandals, sneakers and boots, mean of the three",
            "kept": "clothes of the ten classes that are `known`",
            "refused": "hats, shorts, skirts, other shoes, ...: not `known`",
            "answered": "`confident` of the ten classes",
            "right": "of these, label right",
        },
    )


def summary_zh(card: Document) -> str:
    """The same in Chinese."""
    return _summary(
        card,
        ("从未用于训练任何网络的照片", "结果", "数量", "95 % 区间"),
        {
            "all": "标签正确，鞋按种类区分",
            "further_kinds": "其中：Polo 衫、连帽衫、西装外套、上衣和童装",
            "shoes": "凉鞋、运动鞋、靴子，三者的平均",
            "kept": "十类衣物中 `known` 的比例",
            "refused": "帽子、短裤、裙子、其他鞋等：不是 `known`",
            "answered": "十类衣物中 `confident` 的比例",
            "right": "其中标签正确",
        },
        to="至",
    )


def coverage(card: Document) -> str:
    """What a threshold of the score answers, and how much of that is right."""
    threshold = card["calibration"]["confident_threshold"]
    rows = [
        (
            f"**{row['threshold']:.2f} (`confident`)**" if row["threshold"] == threshold else f"{row['threshold']:.2f}",
            _percent(row["answered"]),
            _percent(row["right"]),
            f"{row['right']['images']}",
            _interval(row["right"]),
            _percent(row["outliers_answered"]),
        )
        for row in card["photos"]["coverage"]
    ]
    head = (
        "known, and score at least",
        "answered",
        "of these right",
        "n",
        "95 % interval",
        "none of the ten, answered",
    )
    return _table(head, rows)


def by_class(card: Document) -> str:
    """Accuracy of each class."""
    rows = [
        (name, _percent(row), str(row["images"]), _interval(row)) for name, row in card["photos"]["by_class"].items()
    ]
    return _table(("class", "right", "n", "95 % interval"), rows)


def refused(card: Document) -> str:
    """What is none of the ten classes, and how much of it is recognised as such."""
    rows = [
        (kind, _percent(row), str(row["images"]), _interval(row))
        for kind, row in card["photos"]["known"]["refused"].items()
    ]
    return _table(("none of the ten", "not `known`", "n", "95 % interval"), rows)


def corruptions(card: Document) -> str:
    """Accuracy under each corruption."""
    rows = [
        (
            name,
            _percent(row["right"]),
            _interval(row["right"]),
            f"{100 * row['confident']:.0f} %",
            _percent(row["confident_and_wrong"]),
        )
        for name, row in card["photos"]["corruptions"].items()
    ]
    return _table(("corruption", "right", "95 % interval", "`confident`", "`confident` and wrong"), rows)


TABLES: Final[Mapping[str, Callable[[Document], str]]] = {
    "summary": summary,
    "summary-zh": summary_zh,
    "coverage": coverage,
    "by-class": by_class,
    "refused": refused,
    "corruptions": corruptions,
}
DOCUMENTS: Final = ("README.md", "README.zh.md", "docs/results.md")


def _summary(card: Document, head: Sequence[str], names: Mapping[str, str], to: str = "to") -> str:
    photos, threshold = card["photos"], card["calibration"]["confident_threshold"]
    confident = next(row for row in photos["coverage"] if row["threshold"] == threshold)
    shoes = [row for row in photos["shoes"].values() if isinstance(row, Mapping)]
    found = {
        **photos["accuracy"],
        "kept": photos["known"]["kept"],
        "refused": photos["known"]["refused"]["all"],
        "answered": confident["answered"],
        "right": confident["right"],
    }
    rows = []
    for key, name in names.items():
        if key == "shoes":
            rows.append((name, f"{100 * photos['shoes']['mean']:.1f} %", str(sum(row["images"] for row in shoes)), ""))
        else:
            rows.append((name, _percent(found[key]), str(found[key]["images"]), _interval(found[key], to)))
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in (head, ["---"] * len(head), *rows))


def _percent(row: Document) -> str:
    return "-" if row["share"] is None else f"{100 * row['share']:.1f} %"


def _interval(row: Document, to: str = "to") -> str:
    low, high = row["interval"]
    return f"{100 * low:.0f} {to} {100 * high:.0f} %"
