"""From what came of every chunk to the files: the set of drafts, its framework, and the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin._version import __version__
from tocsin.benchmarks.items import Generator, Item, ItemSet, Provenance, Rule, Source, dumped
from tocsin.compliance.framework import LONGEST
from tocsin.compliance.generate.checks import NEAR, nearest, plainly
from tocsin.compliance.generate.prompts import hashed
from tocsin.compliance.generate.questions import MadeItem
from tocsin.compliance.generate.rules import says_the_same
from tocsin.compliance.generate.splitting import ABOVE
from tocsin.compliance.generate.wanted import Wanted
from tocsin.compliance.generate.writer import Made

ITEMS, FRAMEWORK, RESULT, COPY = "items.yaml", "framework.yaml", "generation.json", "source.txt"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a set is made from, and by whom."""

    file: str
    sha256: str
    language: str
    model: str
    created: str
    licence: str
    wanted: Wanted


class Chapter(msgspec.Struct, frozen=True):
    """A chunk as the plan has it, and what came of it; nothing yet, or why nothing will."""

    id: str
    title: str
    start: int
    end: int
    made: Made | None = None
    failed: str = ""
    """Why nothing was made: a kind of error, or ``withheld``."""


def item_set(chapters: Sequence[Chapter], about: About) -> ItemSet:
    """The drafts of a regulation.

    A rule that says what an earlier one says is rejected with its items, whatever chunk it is from; so is an item that is
    nearly an earlier one of its format.
    """
    made = [chapter.made for chapter in chapters if chapter.made is not None]
    doubles = _doubles(made)
    spans = {rule.id: (rule.start, rule.end) for one in made for rule in one.rules}
    rules = tuple(
        Rule(
            id=rule.id,
            clause=rule.clause or one.chunk,
            text=rule.text,
            should=tuple(rule.should),
            should_not=tuple(rule.should_not),
            span=(rule.start, rule.end),
            quote=rule.quote,
            status="rejected" if rule.id in doubles else "draft",
            why=doubles.get(rule.id, ""),
        )
        for one in made
        for rule in one.rules
    )
    items = tuple(
        Item(
            id=item.id,
            rule=item.rule,
            format=item.format,
            prompt=item.prompt,
            options=item.options,
            answer=item.answer,
            criteria=item.criteria,
            status="rejected" if item.why else "draft",
            why=item.why,
            provenance=Provenance(
                span=spans[item.rule],
                model=about.model,
                prompt=hashed(about.wanted.task(item.format)),
                generated=about.created,
            ),
        )
        for item in without_doubles([_of_double(item, doubles) for one in made for item in one.items])
    )
    return ItemSet(
        framework=about.wanted.framework or FRAMEWORK,
        title=f"Items for {about.file}",
        licence=about.licence,
        language=about.language,
        output=about.wanted.output,
        source=Source(file=about.file, sha256=about.sha256),
        generator=Generator(
            model=about.model, prompts=about.wanted.hashes(), tocsin=__version__, created=about.created
        ),
        rules=rules,
        items=items,
    )


def _doubles(made: Sequence[Made]) -> dict[str, str]:
    """The rules that say what an earlier one says, each with why it is rejected."""
    kept: list[tuple[str, str]] = []
    found: dict[str, str] = {}
    for rule in (rule for one in made for rule in one.rules):
        same = next((name for name, text in kept if says_the_same(rule.text, text)), None)
        if same is None:
            kept.append((rule.id, rule.text))
        else:
            found[rule.id] = f"says what {same} says"
    return found


def _of_double(item: MadeItem, doubles: dict[str, str]) -> MadeItem:
    why = doubles.get(item.rule)
    return msgspec.structs.replace(item, why=f"its rule {why}") if why and not item.why else item


def _contradicted(items: Sequence[MadeItem]) -> dict[str, str]:
    """The statements that stand as true in one item and as false in another, each item with why: nobody knows which is right."""
    said: dict[str, dict[str, MadeItem]] = {}
    for item in items:
        if item.format == "true_false" and not item.why:
            said.setdefault(plainly(item.prompt), {}).setdefault(item.answer or "", item)
    both = {text: answers for text, answers in said.items() if len(answers) > 1}
    return {
        item.id: f"is the key 'true' of {both[text]['true'].rule} and the key 'false' of {both[text]['false'].rule}"
        for item in items
        if item.format == "true_false" and (text := plainly(item.prompt)) in both
    }


def without_doubles(items: Sequence[MadeItem]) -> list[MadeItem]:
    """The same items, of which those are rejected that are nearly an earlier one of the same format and answer, and both where
    one statement is to be true and false.
    """
    torn = _contradicted(items)
    kept: dict[tuple[str, str], list[tuple[str, str]]] = {}
    found = []
    for item in items:
        known = kept.setdefault((item.format, item.answer or "" if item.format == "true_false" else ""), [])
        if not item.why and item.id in torn:
            item = msgspec.structs.replace(item, why=torn[item.id])
        elif not item.why:
            name, likeness = nearest(item.prompt, known)
            if likeness >= NEAR:
                item = msgspec.structs.replace(item, why=f"nearly the same as {name} (likeness {likeness:.2f})")
            else:
                known.append((item.id, item.prompt))
        found.append(item)
    return found


def framework(chapters: Sequence[Chapter], about: About) -> str:
    """The framework of a regulation as YAML: a clause for each chunk. Nobody checked it against the text: ``secondary``.

    Chunks without a rule are clauses, too, so that a rule which was overlooked shows as a gap.
    """
    told = {
        "title": f"{about.file}, as {about.model} took it apart",
        "jurisdiction": "not said",
        "kind": "guideline",
        "version": about.sha256[:12],
        "date": about.created[:10],
        "source": f"{about.file}, sha256 {about.sha256}",
        "status": "secondary",
        "notes": ["A model took the text apart. Nobody held the clauses against it."],
        "clauses": [_clause(chapter) for chapter in chapters],
    }
    return dumped(told)


def _clause(chapter: Chapter) -> dict[str, str]:
    """A chunk as a clause: the heading it stands under is its group."""
    group, _, title = chapter.title.rpartition(ABOVE)
    told = {"id": chapter.id, "title": title, "group": group, "text": _clause_text(chapter)}
    if not title:
        told |= {"ref": f"characters {chapter.start} to {chapter.end}", "title": "left out by the filter"}
    return {name: value for name, value in told.items() if value}


def _clause_text(chapter: Chapter) -> str:
    """What the rules of a chunk say, as far as a clause has room for it."""
    said = " ".join(rule.text for rule in chapter.made.rules) if chapter.made else ""
    if not said:
        return "No rule was found in this passage."
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


def counts(chapters: Sequence[Chapter], found: ItemSet, wanted: Wanted) -> dict[str, Any]:
    """How many chunks, rules and items there are, and why there are no more."""
    made = [chapter.made for chapter in chapters if chapter.made is not None]
    of_rules, dropped, unread = Counter[str](), Counter[str](), Counter[str]()
    for one in made:
        of_rules.update(one.rejected)
        dropped.update(one.dropped)
        unread.update([one.unread] if one.unread else [])
    of_rules.update(_plain(rule.why) for rule in found.rules if rule.status == "rejected")
    kept = sum(rule.status != "rejected" for rule in found.rules)
    failed = Counter(chapter.failed for chapter in chapters if chapter.failed)
    reasons = Counter(_plain(item.why) for item in found.items if item.status == "rejected")
    return {
        "chunks": {
            "planned": len(chapters),
            "read": len(made) - unread.total(),
            "without_rules": sum(not one.rules and not one.unread for one in made),
            "unread": dict(unread),
            "failed": dict(failed),
            "open": len(chapters) - len(made) - failed.total(),
        },
        "rules": {"listed": sum(one.found for one in made), "kept": kept, "rejected": dict(of_rules)},
        "items": {
            "by_format": {
                kind: dict(Counter(item.status for item in found.items if item.format == kind))
                for kind in wanted.formats
            },
            "drafts": sum(item.status == "draft" for item in found.items),
            "rejected": dict(reasons),
            "dropped": dict(dropped),
        },
    }


def _plain(why: str) -> str:
    """A reason without what is only about one item, so that it can be counted."""
    if why.startswith("nearly the same as "):
        return "nearly the same as another"
    if why.startswith("is in another language"):
        return "is in another language"
    if why.startswith("says what "):
        return "says what another rule says"
    if why.startswith("its rule says what "):
        return "its rule says what another says"
    if why.startswith("is the key 'true' of "):
        return "true for one rule and false for another"
    return "self-check: another answer than the key" if why.startswith("self-check: the answer was ") else why
