"""What a new text of a regulation means for a set of items: which rules rest on words that stand, moved, changed or are gone.

Rules are compared by the whole sentences of the source that hold their quotes, not by where these stand: a line that is put
in at the top changes no rule, and a "not" outside the quote does. Without the old text, only the quotes can be compared. What
is new in the text is said as well, since nothing tests it yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from tocsin.benchmarks.items import Item, ItemSet, Rule, Source, framework_file, is_item_set, read_items
from tocsin.compliance.generate.assemble import COPY
from tocsin.compliance.generate.checks import alike
from tocsin.compliance.generate.rules import squeezed
from tocsin.compliance.generate.source import read_regulation
from tocsin.compliance.generate.splitting import Chunk, mark_of, sentences, split
from tocsin.compliance.wording import Span, Statement, Wording
from tocsin.models.config import ConfigError

State = Literal["unchanged", "moved", "changed", "gone", "new"]
STATES: tuple[State, ...] = ("unchanged", "moved", "changed", "gone", "new")
LEAST = 0.4
"""Likeness of sentences (see `alike`), or share of a quote that a sentence holds (see `held`), from which words are the old ones,
changed; below it they are gone, and others are there."""


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
        whole: Whether whole sentences were compared; else the quote alone, since the old text is not at hand.
        was: The old sentences, where they changed or are gone.
        now: The new ones, where they changed.
    """

    rule: str
    state: State
    likeness: float
    clause: str
    before: tuple[int, int] | None = None
    after: tuple[int, int] | None = None
    quote: str = ""
    items: list[str] = []
    whole: bool = True
    was: str = ""
    now: str = ""


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

    @property
    def by_quote(self) -> list[str]:
        """The rules of which only the quotes could be compared: what stands around these may have changed."""
        return [change.rule for change in self.rules if not change.whole]

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
    copy = _copy(before, old)
    parts = {chunk.id for chunk in split(copy)}
    sorted_in = framework_file(before, old) is None or (
        bool(copy) and not any(rule.clause in parts for rule in before.rules)
    )
    finder = _Finder(regulation.text, [] if sorted_in else chunks)
    said = _statements(before, copy)
    changes = [
        finder.change(rule, _words(rule, copy, old), said.get(rule.id), _items_of(before, rule))
        for rule in before.rules
    ]
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
        self._new, self._chunks = Wording(text), chunks

    def change(self, rule: Rule, words: str, before: Statement | None, items: list[str]) -> Change:
        """What became of a rule.

        Args:
            rule: The rule.
            words: Its words in the old text.
            before: The sentences that hold them there; None where the old text is not at hand.
            items: Its items.
        """
        near = rule.span[0] if rule.span else 0
        whole, was = before is not None, before.said if before else " ".join(words.split())
        places = self._new.places(words)
        same = [span for span in places if before is None or self._new.statement(span).key == before.key]
        if same:
            exact = min(same, key=lambda span: abs(span[0] - near))
            clause = self._clause(exact, rule.clause)
            known = rule.clause in {chunk.id for chunk in self._chunks}
            moved = clause != rule.clause and (known or clause != "")
            return Change(
                rule=rule.id, state="moved" if moved else "unchanged", likeness=1.0, clause=clause or rule.clause,
                before=rule.span, after=exact, items=items, whole=whole,
            )  # fmt: skip
        now, likeness = self._other(words, before, places)
        if now is None:
            return Change(
                rule=rule.id, state="gone", likeness=likeness, clause=rule.clause, before=rule.span, items=items,
                whole=whole, was=was,
            )  # fmt: skip
        return Change(
            rule=rule.id, state="changed", likeness=likeness, clause=self._clause(now.span, rule.clause) or rule.clause,
            before=rule.span, after=now.span, quote=self._new.text[now.span[0] : now.span[1]], items=items, whole=whole,
            was=was, now=now.said,
        )  # fmt: skip

    def _other(self, words: str, before: Statement | None, places: list[Span]) -> tuple[Statement | None, float]:
        """The sentences that stand for the old ones now, and how like they are; None where nothing is like them."""
        said = before.said if before else words
        if places:
            now = max(map(self._new.statement, places), key=lambda one: alike(said, one.said))
            return now, _rounded(alike(said, now.said))
        span, likeness = self._new.nearest(words, said)
        if span is None or likeness < LEAST:
            return None, _rounded(likeness)
        return self._new.statement(span), _rounded(likeness)

    def _clause(self, span: Span, before: str) -> str:
        within = [chunk.id for chunk in self._chunks if chunk.start <= span[0] < chunk.end]
        return before if before in within else within[0] if within else ""


def _rounded(likeness: float) -> float:
    """A likeness of words that are not the same."""
    return min(0.999, round(likeness, 3))


def _statements(found: ItemSet, copy: str) -> dict[str, Statement]:
    """The sentences of the old text that hold the words of each rule, as far as that text is at hand."""
    if not copy:
        return {}
    text = Wording(copy)
    spans = {rule.id: rule.span or next(iter(text.places(rule.quote)), None) for rule in found.rules}
    return {name: text.statement(span) for name, span in spans.items() if span}


def _added(chunks: Sequence[Chunk], copy: str, changes: Sequence[Change]) -> Iterator[Addition]:
    """Parts with sentences that are not in the old text; where that is not at hand, parts on which no rule rests."""
    old, _ = squeezed(copy)
    spans = [change.after for change in changes if change.after]
    for chunk in chunks:
        if copy:
            said = [_unnumbered(chunk.text[start:end]) for start, end in sentences(chunk.text)]
            count = sum(bool(one) and one not in old for one in said)
        else:
            count = 0 if any(span[0] < chunk.end and chunk.start < span[1] for span in spans) else 1
            count *= len(sentences(chunk.text))
        if count:
            yield Addition(chunk.id, chunk.title, count)


def _unnumbered(sentence: str) -> str:
    """What a sentence says: an article that has another number now is not new."""
    return squeezed(sentence[mark_of(sentence)[1] :])[0]


def _of_sets(before: ItemSet, old: Path, after: ItemSet, new: Path) -> Difference:
    copies = _copy(before, old), _copy(after, new)
    words = {rule.id: _words(rule, copies[0], old) for rule in before.rules}
    others = {rule.id: (rule, _words(rule, copies[1], new)) for rule in after.rules}
    said = _statements(before, copies[0]), _statements(after, copies[1])
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
        one, two = said[0].get(rule.id), said[1].get(other.id)
        whole = one is not None and two is not None
        same = likeness == 1.0 if one is None or two is None else one.key == two.key
        state: State = "changed" if not same else "unchanged" if rule.clause == other.clause else "moved"
        changes.append(
            Change(
                rule=rule.id,
                state=state,
                likeness=1.0 if same else _rounded(likeness),
                clause=other.clause,
                before=rule.span,
                after=other.span,
                quote="" if same else others[other.id][1],
                items=named,
                whole=whole,
                was="" if same else one.said if one else words[rule.id],
                now="" if same else two.said if two else others[other.id][1],
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
