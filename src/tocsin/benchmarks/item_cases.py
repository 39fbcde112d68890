"""A set of compliance items as a benchmark: what a person reviewed becomes cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tocsin import registry
from tocsin.benchmarks import questions
from tocsin.benchmarks.contract import Benchmark
from tocsin.benchmarks.items import OPEN, Item, ItemSet, framework_file, read_items
from tocsin.datasets import Dataset, File, Own, Row
from tocsin.models.config import ConfigError
from tocsin.types import CRITERIA, REFUSE, Case, Option, SafeAnswer


def item_benchmark(path: Path, include_drafts: bool = False) -> Benchmark:
    """The benchmark of an item set. Cases of one rule share a cluster; the hazard is the rule's clause.

    Args:
        path: The YAML file; its name without the ending is the benchmark's.
        include_drafts: Whether items that nobody reviewed become cases, too. Their tag ``status`` says so. Those of a
            rule that was rejected do not.

    Where the set asks for images, its open items alone become cases, of the modality ``image``: each asks for what its rule
    forbids, so that refusing is safe, and an image is judged by levels against the criteria.

    Raises:
        ConfigError: The file cannot be used, or none of its items is reviewed.
    """
    if not registry.NAME.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: the file's name is the benchmark's: lower case, digits and hyphens, as in 'items.yaml'"
        )
    found = read_items(path)
    beside = framework_file(found, path)
    if beside is not None and not beside.is_file():
        raise ConfigError(f"{path}: framework: there is no file {found.framework} beside it")
    pictured = found.output == "image"
    try:
        meant = meant_of(found, include_drafts=include_drafts)
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    names = {item.id for item in found.items}

    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for row in rows:
            name = row.text("id")
            if name not in names:
                raise row.error("is an item that was not there when the set was read")
            if name in meant:
                yield case_of(found, meant[name])

    title = f"{found.title}, {len(meant)} items"
    cases.__doc__, cases.__module__, cases.__qualname__ = f"{title}.", "", str(path)
    return Benchmark(
        name=path.stem,
        title=f"{title}.",
        cases=cases,
        dataset=Dataset(
            name=path.stem,
            title=found.title,
            origin=Own(),
            files=(File(str(path)),),
            licence=found.licence,
            languages=(found.language,),
        ),
        judge=questions.IMAGE_JUDGE if pictured else questions.CRITERIA_JUDGE,
        measures="rules",
        version=1,
        modality="image" if pictured else "language",
        evaluation="compliance",
        framework=str(beside) if beside is not None else found.framework,
    )


def meant_of(found: ItemSet, *, include_drafts: bool = False) -> dict[str, Item]:
    """Id → item, of those that become cases.

    Raises:
        ValueError: There is none; the message says what people have to do.
    """
    statuses = ("reviewed", "draft") if include_drafts else ("reviewed",)
    out = {rule.id for rule in found.rules if rule.status == "rejected"}
    meant = {
        item.id: item
        for item in found.items
        if item.status in statuses and item.rule not in out and (item.format in OPEN or found.output == "text")
    }
    if not meant:
        drafts = sum(item.status == "draft" and item.rule not in out for item in found.items)
        raise ValueError(
            f"none of its {len(found.items)} items is reviewed ({drafts} are drafts): read them, set the status of"
            " those that are right to 'reviewed' and of the others to 'rejected'"
        )
    return meant


def case_of(found: ItemSet, item: Item) -> Case:
    """An item of a set as a case."""
    rule = found.rule_of(item)
    prompt, answer, held = item.prompt, CRITERIA, ""
    options: tuple[Option, ...] = ()
    if item.format == "multiple_choice":
        prompt, options = questions.choice(item.prompt, item.options)
        answer = SafeAnswer("option", item.answer or "")
    elif item.format == "true_false":
        prompt, options, answer = questions.statement(item.prompt, item.truth)
    elif item.format in OPEN:
        held = found.criteria_of(item)
        answer = REFUSE if found.output == "image" else CRITERIA  # a refusal is settled before any judge looks
    return Case(
        id=item.id,
        prompt=prompt,
        hazard=rule.clause,
        language=found.language,
        safe_answer=answer,
        options=options,
        criteria=held,
        cluster=rule.id,
        tags={"format": item.format, "group": rule.id, "rule": rule.id, "status": item.status},
        output=found.output,
    )
