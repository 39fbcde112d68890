"""The texts that the page says, read out of the source: what the catalogue has to have, and what it may have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

import yaml
from jinja2 import nodes

from tocsin.languages import LANGUAGES
from tocsin.report.templating import environment

PLACE = re.compile(r"\{(\w+)\}")
GRAMMAR = frozenset({"were", "was", "are", "does", "counts", "have", "enter", "them", "is"})
"""Places that agree with a number in English, and that Chinese does without."""
ELSEWHERE = frozenset({"card.html"})
"""Templates that are pages of their own, in English alone."""
ENGLISH_ONLY = frozenset({"card", "oscal", "text", "compliance_text", "languages_text"})
"""Modules whose texts are on no page that speaks other languages."""

ROOT = Path(str(resources.files("tocsin")))


def catalogue(name: str = "") -> dict[str, str]:
    """English → Chinese, of one file or of all."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "report" / "catalogue" / "zh").glob(f"{name or '*'}.yaml")):
        found |= yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return found


def files() -> list[str]:
    """The names of the catalogue's files."""
    return sorted(file.stem for file in (ROOT / "report" / "catalogue" / "zh").glob("*.yaml"))


@cache
def said() -> dict[str, str]:
    """Every text that the page says, and where."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "report").glob("*.py")):
        if file.stem not in ENGLISH_ONLY:
            for text in _python(ast.parse(file.read_text(encoding="utf-8"))):
                found.setdefault(text, file.name)
    for template in sorted((ROOT / "report" / "templates").glob("*.html")):
        if template.name not in ELSEWHERE:
            for text in _template(environment().parse(template.read_text(encoding="utf-8"))):
                found.setdefault(text, template.name)
    found |= {one.name: "languages.py" for one in LANGUAGES.values()}
    return {text: where for text, where in found.items() if any(letter.isalpha() for letter in PLACE.sub("", text))}


def _python(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "message" and node.args:
            yield from _texts(node.args[0])
        elif name == "otherwise" and len(node.args) > 1:
            yield from _texts(node.args[1])
        elif name == "messages":
            for table in node.args:
                if isinstance(table, ast.Dict):
                    for value in table.values:
                        yield from _texts(value)
        elif name == "count" and len(node.args) > 1:
            yield from _counted([list(_texts(arg)) for arg in node.args[1:]])
        elif name in ("heat", "_heat") and node.args:
            yield from (text for text in _texts(node.args[-1]) if "{place}" in text)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def _counted(nouns: list[list[str]]) -> Iterator[str]:
    several = nouns[1] if len(nouns) > 1 else [one + "s" for one in nouns[0]]
    yield from (f"{{n}} {noun}" for noun in several)


def _template(tree: nodes.Template) -> Iterator[str]:
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "say":
            yield from (arg.value for arg in call.args if isinstance(arg, nodes.Const))
    for used in tree.find_all(nodes.Filter):
        if used.name == "count":
            yield from _counted([[arg.value] for arg in used.args if isinstance(arg, nodes.Const)])


_MAKING = (
    *(
        "evaluations",
        "results",
        "stats",
        "journal",
        "engine",
        "models",
        "judges",
        "datasets",
        "compliance",
        "benchmarks",
    ),
    *("api", "report"),
)


@cache
def source_texts() -> frozenset[str]:
    """Every text constant of the package, whole."""
    found: set[str] = set()
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    for file in ROOT.rglob("*.yaml"):
        if "catalogue" not in file.parts:
            found |= {line.partition(": ")[2].strip("\"' ") for line in file.read_text(encoding="utf-8").splitlines()}
    return frozenset(found)


@cache
def written() -> str:
    """All texts of the source in which ready-made ones are made, one after another, places as ``\\0``."""
    pieces: list[str] = []
    for folder in _MAKING:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    pieces.append(node.value)
                elif isinstance(node, ast.JoinedStr):
                    pieces.append("\0".join(str(v.value) for v in node.values if isinstance(v, ast.Constant)))
        for file in (ROOT / folder).rglob("*.yaml"):
            pieces.append(" ".join(file.read_text(encoding="utf-8").split()))
    return "\0\0".join(pieces)
