"""Sets of compliance items: the rules of a regulation and the items that test them, as one YAML file that people review.

The fields are explained in docs/reference/compliance-items.md. Whether a rule's clause is one of the framework's is checked
by `tocsin.compliance.items`, which knows frameworks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from tocsin.benchmarks.questions import criteria
from tocsin.datasets.yaml_text import Place, read_mapping
from tocsin.models.config import ConfigError

Format = Literal["open_basic", "open_jailbreak", "multiple_choice", "true_false"]
FORMATS: tuple[Format, ...] = get_args(Format)
OPEN: tuple[Format, ...] = ("open_basic", "open_jailbreak")
Status = Literal["draft", "reviewed", "rejected"]
_MAX_BYTES = 2**25
_TOLD = 8
_LETTER = re.compile(r"[A-Z]")
_ENDING = (".yaml", ".yml")


def _one_line(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Id = Annotated[str, StringConstraints(pattern=r"^\S(.{0,198}\S)?$")]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_one_line)]
Span = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Written):
    """The text that the rules are from."""

    file: Text = Field(description="its name, or its path from this file")
    sha256: Hash = Field(description="of its bytes")


class Generator(_Written):
    """What wrote the drafts."""

    model: Text
    prompts: dict[str, str] = Field(default={}, description="name → hash of the prompt's text")
    tocsin: str = Field(default="", description="version")
    created: str = Field(default="", description="when, UTC")


class Provenance(_Written):
    """Where one item comes from."""

    span: Span | None = None
    model: str = ""
    prompt: str = Field(default="", description="hash of the prompt's text")
    generated: str = Field(default="", description="when, UTC")


class Rule(_Written):
    """One rule: a single duty or prohibition."""

    id: Id
    clause: Text = Field(description="id of a clause of the framework")
    text: Text
    should: Texts = ()
    should_not: Texts = ()
    span: Span | None = Field(
        default=None, description="first character and the one after the last, in the source's text"
    )
    quote: str = Field(default="", description="the words of the source that it rests on")
    status: Status = "draft"
    why: str = ""


class Item(_Written):
    """One test of a rule."""

    id: Id
    rule: Text = Field(description="id of a rule of this file")
    format: Format
    prompt: Text
    options: dict[str, Text] = {}
    answer: str | None = None
    criteria: str = Field(default="", description="of an open item; else the rule's should and should_not")
    status: Status = "draft"
    why: str = Field(default="", description="why it was rejected, or is to be reviewed again")
    provenance: Provenance | None = None

    @property
    def truth(self) -> bool:
        """Whether the statement of a true_false item is true."""
        return self.answer == "true"


class ItemSet(_Written):
    """A set of items as a file says it."""

    framework: Text = Field(description="name of a framework, or the path of a framework's YAML file beside this one")
    title: Text
    licence: Text
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")] = "en"
    output: Literal["text", "image"] = Field(default="text", description="what its open items ask for")
    source: Source | None = None
    generator: Generator | None = None
    rules: tuple[Rule, ...]
    items: tuple[Item, ...]

    def rule_of(self, item: Item) -> Rule:
        """The rule that an item tests."""
        return next(rule for rule in self.rules if rule.id == item.rule)

    def criteria_of(self, item: Item) -> str:
        """What an answer to an open item is held against; empty where nothing is said."""
        rule = self.rule_of(item)
        return item.criteria.strip() or criteria(rule.should, rule.should_not)


class Fault(NamedTuple):
    """What is wrong with a set, and where."""

    place: Place
    problem: str


def read_items(path: Path) -> ItemSet:
    """The item set of a YAML file.

    Raises:
        ConfigError: It cannot be read, or is not such a file; the message names lines, ids and what is wrong.
    """
    data, lines = read_mapping(path)
    try:
        found = ItemSet.model_validate(data)
    except ValidationError as error:
        faults = [Fault(tuple(one["loc"]), _plainly(one)) for one in error.errors()]
        raise refused(path, faults, data, lines) from error
    if faults := list(_faults(found)):
        raise refused(path, faults, data, lines)
    return found


def is_item_set(path: Path) -> bool:
    """Whether a YAML file has both the names ``rules`` and ``items`` on its first level, whatever else is wrong with it."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES).replace(b"\0", b"")
    except OSError:
        return False
    return all(re.search(rb"(?m)^[^\w\s]{0,4}" + name + rb"[\"']?\s*:", raw) for name in (b"rules", b"items"))


def framework_file(found: ItemSet, path: Path) -> Path | None:
    """The file of the set's framework, where it is one beside the set; None where it is a name."""
    return path.parent / found.framework if found.framework.endswith(_ENDING) else None


def write_items(found: ItemSet) -> str:
    """A set as YAML, which `read_items` reads as the same set."""
    told = found.model_dump(mode="json", exclude_defaults=True)
    told["rules"] = [_ordered(Rule, one) for one in told.get("rules", [])]
    told["items"] = [_ordered(Item, one) for one in told.get("items", [])]
    for one in told["items"]:
        if one["format"] == "true_false":
            one["answer"] = one["answer"] == "true"
    return dumped(told)


def dumped(told: dict[str, Any]) -> str:
    """YAML as people read it: names in the order given, every script as it is."""
    return str(yaml.dump(told, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def _ordered(kind: type[BaseModel], one: dict[str, Any]) -> dict[str, Any]:
    """An entry with its fields in their order. Its status, which a reviewer changes, always stands there."""
    one = {"status": "draft"} | one
    return {name: one[name] for name in kind.model_fields if name in one}


class _Dumper(yaml.SafeDumper):
    """Writes pairs of numbers on one line."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        numbers = bool(sequence) and all(isinstance(one, int) for one in sequence)
        return super().represent_sequence(tag, sequence, flow_style=True if numbers else flow_style)


def refused(path: Path, faults: list[Fault], data: Any, lines: dict[Place, int]) -> ConfigError:
    """The error that tells of faults: each with its line and the id of what it is about."""
    parts = [_where(fault.place, data, lines) + fault.problem for fault in faults[:_TOLD]]
    if len(faults) > _TOLD:
        parts.append(f"and {len(faults) - _TOLD} more")
    return ConfigError(f"{path}: {'; '.join(parts)}")


def located(path: Path, faults: list[Fault]) -> ConfigError:
    """As `refused`, of a file that is read again for its lines."""
    return refused(path, faults, *read_mapping(path))


def _where(place: Place, data: Any, lines: dict[Place, int]) -> str:
    line = next((lines[place[:end]] for end in range(len(place), -1, -1) if place[:end] in lines), 0)
    words = [f"line {line}"] if line else []
    if len(place) > 1 and place[0] in ("rules", "items"):
        entries = data.get(place[0]) if isinstance(data, dict) else None
        entry = entries[place[1]] if isinstance(entries, list) and isinstance(place[1], int) else None
        name = entry.get("id") if isinstance(entry, dict) else None
        words.append(f"{str(place[0])[:-1]} {name[:60]!r}" if isinstance(name, str) else f"{place[0]}.{place[1]}")
        place = place[2:]
    if place:
        words.append(".".join(map(str, place)))
    return f"{', '.join(words)}: " if words else ""


def _plainly(fault: Any) -> str:
    known = {
        "extra_forbidden": "there is no such field",
        "missing": "is needed, and is not there",
        "string_too_short": "is empty",
        "string_type": "should be text",
    }
    if fault["type"] == "string_pattern_mismatch" and fault["loc"][-1] in ("sha256", "language"):
        wanted = "64 hexadecimal digits" if fault["loc"][-1] == "sha256" else "a BCP 47 code, such as en or zh-Hans"
        return f"should be {wanted}"
    if fault["type"] == "string_pattern_mismatch":
        return "should be one line of at most 200 characters without blanks around it"
    return known.get(fault["type"]) or str(fault["msg"])


def _faults(found: ItemSet) -> Iterator[Fault]:
    rules = {rule.id: rule for rule in found.rules}
    for name, ids in (("rules", [rule.id for rule in found.rules]), ("items", [item.id for item in found.items])):
        seen: dict[str, int] = {}
        for number, one in enumerate(ids):
            if one in seen:
                yield Fault((name, number, "id"), f"is also the id of {name}.{seen[one]}: an id stands once")
            seen.setdefault(one, number)
    for number, rule in enumerate(found.rules):
        if rule.span is not None and rule.span[0] >= rule.span[1]:
            yield Fault(("rules", number, "span"), "should be the first character and the one after the last")
    for number, item in enumerate(found.items):
        at = ("items", number)
        of = rules.get(item.rule)
        if of is None:
            yield Fault((*at, "rule"), f"no rule of this file has the id {item.rule!r}")
            continue
        if found.output == "image" and item.status == "reviewed" and item.format not in OPEN:
            yield Fault((*at, "format"), "wants an answer in words, and the set asks for images: reject it")
        if item.status == "reviewed" and of.status == "rejected":
            yield Fault((*at, "status"), f"is reviewed, and its rule {of.id!r} is rejected: one of them is wrong")
        yield from (Fault((*at, *fault.place), fault.problem) for fault in answer_faults(item))
        if item.format in OPEN and not found.criteria_of(item):
            yield Fault((*at, "criteria"), f"is needed, since rule {of.id!r} has neither should nor should_not")


def answer_faults(item: Item) -> Iterator[Fault]:
    """What is wrong with the options and the right answer of an item."""
    if item.format == "multiple_choice":
        yield from _choice_faults(item)
        return
    if item.options:
        yield Fault(("options",), f"are for multiple_choice alone, and this is {item.format}")
    if item.format == "true_false":
        if item.answer is None:
            yield Fault(("answer",), "is needed: true or false")
        elif item.answer not in ("true", "false"):
            yield Fault(("answer",), f"should be true or false, and is {item.answer[:20]!r}")
    elif item.answer is not None:
        yield Fault(("answer",), f"is for multiple_choice and true_false, and this is {item.format}")
    if item.format not in OPEN and item.criteria:
        yield Fault(("criteria",), f"are for open formats, and this is {item.format}")


def _choice_faults(item: Item) -> Iterator[Fault]:
    if not item.options:
        yield Fault(("options",), "are needed, as letters with their texts (A: …)")
    elif len(item.options) < 2:
        yield Fault(("options",), "should be two at least")
    for letter in item.options:
        if not _LETTER.fullmatch(letter):
            yield Fault(("options",), f"{letter[:20]!r} is no label: an option is named by one capital letter")
    texts: dict[str, str] = {}
    for letter, text in item.options.items():
        plain = " ".join(text.casefold().split())
        if plain in texts:
            yield Fault(("options", letter), f"says the same as option {texts[plain]}")
        texts.setdefault(plain, letter)
    if item.answer is None:
        yield Fault(("answer",), "is needed: the letter of the option that is right")
    elif item.options and item.answer not in item.options:
        yield Fault(("answer",), f"{item.answer[:20]!r} is none of the options {', '.join(item.options)}")
    if item.criteria:
        yield Fault(("criteria",), "are for open formats, and this is multiple_choice")
