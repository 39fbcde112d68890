"""What a new text of a regulation means for a set of items: which rules rest on words that stand, moved, changed or are gone.

Rules are compared by the words of the source that they rest on, not by where these stand: a line that is put in at the top
changes no rule. What is new in the text is said as well, since nothing tests it yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from tocsin.benchmarks.items import Item, ItemSet, Rule, Source, is_item_set, read_items
from tocsin.compliance.generate.assemble import COPY
from tocsin.compliance.generate.checks import alike
from tocsin.compliance.generate.rules import squeezed
from tocsin.compliance.generate.source import read_regulation
from tocsin.compliance.generate.splitting import Chunk, sentences, split
from tocsin.models.config import ConfigError

State = Literal["unchanged", "moved", "changed", "gone", "new"]
STATES: tuple[State, ...] = ("unchanged", "moved", "changed", "gone", "new")
LEAST = 0.4
"""Likeness (see `alike`) from which words are the old ones, changed; below it they are gone, and others are there."""
_MOST_SENTENCES = 4


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a rule.

    Attributes:
        rule: Its id; that of the newer set where it is new.
        state: What became of it.
        likeness: Of the old words and the new ones, in [0, 1].
        clause: The clause it is for, by the newer text where that tells.
        before: The span of its words in the old text.
        after: Their span in the new one.
        quote: The new words, where they are others.
        items: The ids of its items that are not rejected.
    """

    rule: str
    state: State
    likeness: float
    clause: str
    before: tuple[int, int] | None = None
    after: tuple[int, int] | None = None
    quote: str = ""
    items: list[str] = []


class Addition(msgspec.Struct, frozen=True):
    """A part of the new text with sentences that the old one does not have."""

    clause: str
    title: str
    sentences: int


class ItemChange(msgspec.Struct, frozen=True):
    """An item that differs between two sets."""

    item: str
    state: State


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What is between a set and a newer text, or a newer set."""

    rules: list[Change]
    added: list[Addition] = []
    items: list[ItemChange] = []
    against: str
    """Against what additions were told: ``the old text``, ``the rules``, or nothing where two sets were compared."""
    source: Source | None = None

    @property
    def review(self) -> list[str]:
        """The items that a person should look at again: those of rules whose words changed or are gone."""
        return [item for change in self.rules if change.state in ("changed", "gone") for item in change.items]

    def counts(self) -> dict[str, int]:
        """How many rules there are of each state."""
        return {state: sum(change.state == state for change in self.rules) for state in STATES}


def compare(old: Path, new: Path, encoding: str | None = None) -> Difference:
    """What a newer text, or a newer set, means for a set.

    Args:
        old: The set.
        new: A regulation's text, or a set of items.
        encoding: Of the text, where it is not UTF-8.

    Raises:
        ConfigError: One of the files cannot be used, or a rule says no words of the source to compare.
    """
    before = read_items(old)
    if new.suffix.lower() in (".yaml", ".yml"):
        if not is_item_set(new):
            raise ConfigError(f"{new}: is no set of items: name one, or the text of the regulation")
        return _of_sets(before, old, read_items(new), new)
    regulation = read_regulation(new, encoding)
    chunks = split(regulation.text)
    finder = _Finder(regulation.text, chunks)
    copy = _copy(before, old)
    changes = [finder.change(rule, _words(rule, copy, old), _items_of(before, rule)) for rule in before.rules]
    return Difference(
        rules=changes,
        added=list(_added(chunks, copy, changes)),
        against="the old text" if copy else "the rules",
        source=Source(file=regulation.file, sha256=regulation.sha256),
    )


def for_review(old: Path, difference: Difference) -> ItemSet:
    """The set with every item that is to be looked at again, and its rule, as a draft; spans are those of the new text.

    What a person rejected stays rejected.
    """
    found = read_items(old)
    changes = {change.rule: change for change in difference.rules if change.state != "new"}
    return found.model_copy(
        update={
            "source": difference.source or found.source,
            "rules": tuple(_renewed(rule, changes[rule.id], difference.source is not None) for rule in found.rules),
            "items": tuple(_again(item, changes[item.rule]) for item in found.items),
        }
    )


def _renewed(rule: Rule, change: Change, of_text: bool) -> Rule:
    update: dict[str, object] = {}
    if of_text:
        update["span"] = change.after
        if change.quote:
            update["quote"] = change.quote
    if change.state in ("changed", "gone") and rule.status != "rejected":
        update |= {"status": "draft", "why": _why(change)}
    return rule.model_copy(update=update)


def _again(item: Item, change: Change) -> Item:
    if change.state not in ("changed", "gone") or item.status == "rejected":
        return item
    return item.model_copy(update={"status": "draft", "why": _why(change)})


def _why(change: Change) -> str:
    return "the words of its rule are gone" if change.state == "gone" else "the words of its rule changed"


def _copy(found: ItemSet, path: Path) -> str:
    """The old text, if it lies beside the set and is the one that the rules are from; else nothing."""
    try:
        text = (path.parent / COPY).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    said = [(rule.span, rule.quote) for rule in found.rules if rule.span and rule.quote]
    return text if all(text[span[0] : span[1]] == quote for span, quote in said) else ""


def _words(rule: Rule, copy: str, path: Path) -> str:
    words = rule.quote or (copy[rule.span[0] : rule.span[1]] if rule.span else "")
    if not words.strip():
        raise ConfigError(
            f"{path}: rule {rule.id!r} has no quote, and {COPY} is not beside the file: there is nothing to compare"
        )
    return words


def _items_of(found: ItemSet, rule: Rule) -> list[str]:
    return [item.id for item in found.items if item.rule == rule.id and item.status != "rejected"]


class _Finder:
    """Finds words in a new text."""

    def __init__(self, text: str, chunks: Sequence[Chunk]) -> None:
        self._text, self._chunks = text, chunks
        self._whole, self._places = squeezed(text)

    def change(self, rule: Rule, words: str, items: list[str]) -> Change:
        exact = self._exact(words, rule.span[0] if rule.span else 0)
        if exact is not None:
            clause = self._clause(exact, rule.clause)
            known = rule.clause in {chunk.id for chunk in self._chunks}
            moved = clause != rule.clause and (known or clause != "")
            return Change(
                rule=rule.id, state="moved" if moved else "unchanged", likeness=1.0, clause=clause or rule.clause,
                before=rule.span, after=exact, items=items,
            )  # fmt: skip
        span, likeness = max(self._windows(words), key=lambda found: found[1], default=((0, 0), 0.0))
        if likeness < LEAST:
            return Change(
                rule=rule.id,
                state="gone",
                likeness=round(likeness, 3),
                clause=rule.clause,
                before=rule.span,
                items=items,
            )
        return Change(
            rule=rule.id, state="changed", likeness=round(likeness, 3), clause=self._clause(span, rule.clause) or rule.clause,
            before=rule.span, after=span, quote=self._text[span[0] : span[1]], items=items,
        )  # fmt: skip

    def _exact(self, words: str, near: int) -> tuple[int, int] | None:
        """Where the words stand; of several places the one nearest to where they stood."""
        wanted, _ = squeezed(words)
        spans, at = [], self._whole.find(wanted)
        while at >= 0:
            spans.append((self._places[at], self._places[at + len(wanted) - 1] + 1))
            at = self._whole.find(wanted, at + 1)
        return min(spans, key=lambda span: abs(span[0] - near), default=None)

    def _clause(self, span: tuple[int, int], before: str) -> str:
        within = [chunk.id for chunk in self._chunks if chunk.start <= span[0] < chunk.end]
        return before if before in within else within[0] if within else ""

    def _windows(self, words: str) -> Iterator[tuple[tuple[int, int], float]]:
        """Runs of sentences of the text, and how like the words each is."""
        for chunk in self._chunks:
            parts = sentences(chunk.text)
            for first in range(len(parts)):
                for last in range(first, min(len(parts), first + _MOST_SENTENCES)):
                    start, end = parts[first][0], parts[last][1]
                    if end - start > 3 * len(words) + 80:
                        break
                    yield (chunk.start + start, chunk.start + end), alike(words, chunk.text[start:end])


def _added(chunks: Sequence[Chunk], copy: str, changes: Sequence[Change]) -> Iterator[Addition]:
    """Parts with sentences that are not in the old text; where that is not at hand, parts on which no rule rests."""
    old, _ = squeezed(copy)
    spans = [change.after for change in changes if change.after]
    for chunk in chunks:
        if copy:
            said = [squeezed(chunk.text[start:end])[0] for start, end in sentences(chunk.text)]
            count = sum(bool(one) and one not in old for one in said)
        else:
            count = 0 if any(span[0] < chunk.end and chunk.start < span[1] for span in spans) else 1
            count *= len(sentences(chunk.text))
        if count:
            yield Addition(chunk.id, chunk.title, count)


def _of_sets(before: ItemSet, old: Path, after: ItemSet, new: Path) -> Difference:
    copies = _copy(before, old), _copy(after, new)
    words = {rule.id: _words(rule, copies[0], old) for rule in before.rules}
    others = {rule.id: (rule, _words(rule, copies[1], new)) for rule in after.rules}
    changes: list[Change] = []
    items: list[ItemChange] = []
    for rule, other, likeness in _pairs(before, words, others):
        named = _items_of(before, rule)
        if other is None:
            changes.append(
                Change(rule=rule.id, state="gone", likeness=0.0, clause=rule.clause, before=rule.span, items=named)
            )
            items += [ItemChange(item.id, "gone") for item in before.items if item.rule == rule.id]
            continue
        same = likeness == 1.0
        state: State = "changed" if not same else "unchanged" if rule.clause == other.clause else "moved"
        changes.append(
            Change(
                rule=rule.id,
                state=state,
                likeness=round(likeness, 3),
                clause=other.clause,
                before=rule.span,
                after=other.span,
                quote="" if same else others[other.id][1],
                items=named,
            )
        )
        items += _item_changes(before, rule, after, other)
        del others[other.id]
    for rule, _ in others.values():
        changes.append(
            Change(
                rule=rule.id,
                state="new",
                likeness=0.0,
                clause=rule.clause,
                after=rule.span,
                items=_items_of(after, rule),
            )
        )
        items += [ItemChange(item.id, "new") for item in after.items if item.rule == rule.id]
    return Difference(rules=changes, items=items, against="")


def _pairs(
    before: ItemSet, words: dict[str, str], others: dict[str, tuple[Rule, str]]
) -> list[tuple[Rule, Rule | None, float]]:
    """Each old rule with the new one that rests on the same words, or on the most alike that no other rule is nearer to."""
    found: dict[str, tuple[Rule, float]] = {}
    taken: set[str] = set()
    ranked = sorted(
        (
            (-_likeness(words[rule.id], said), number, name)
            for number, rule in enumerate(before.rules)
            for name, (_, said) in others.items()
        ),
        key=lambda one: (one[0], before.rules[one[1]].id != one[2], one[1]),
    )
    for likeness, number, name in ranked:
        rule = before.rules[number]
        if -likeness >= LEAST and rule.id not in found and name not in taken:
            found[rule.id] = (others[name][0], -likeness)
            taken.add(name)
    return [(rule, *found.get(rule.id, (None, 0.0))) for rule in before.rules]


def _likeness(one: str, other: str) -> float:
    """As `alike`, and 1 for the same words alone."""
    return 1.0 if squeezed(one)[0] == squeezed(other)[0] else min(0.999, alike(one, other))


def _item_changes(before: ItemSet, rule: Rule, after: ItemSet, other: Rule) -> Iterator[ItemChange]:
    """What became of the items of a rule, by their formats; the n-th of a format is held against the n-th."""
    old, new = _by_place(before, rule), _by_place(after, other)
    for place, item in old.items():
        match = new.pop(place, None)
        if match is None:
            yield ItemChange(item.id, "gone")
        else:
            same = (item.prompt, item.options, item.answer, item.criteria) == (
                match.prompt, match.options, match.answer, match.criteria,
            )  # fmt: skip
            yield ItemChange(item.id, "unchanged" if same else "changed")
    for item in new.values():
        yield ItemChange(item.id, "new")


def _by_place(found: ItemSet, rule: Rule) -> dict[tuple[str, str, int], Item]:
    places: dict[tuple[str, str, int], Item] = {}
    for item in found.items:
        if item.rule == rule.id:
            kind = (item.format, (item.answer or "") if item.format == "true_false" else "")
            places[*kind, sum(place[:2] == kind for place in places)] = item
    return places
