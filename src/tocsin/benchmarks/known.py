"""Benchmarks by name, or by the path of a user's own file."""

from __future__ import annotations

from pathlib import Path

from tocsin import registry
from tocsin.benchmarks.contract import Benchmark


def find(name: str, *, drafts: bool = False) -> Benchmark:
    """A benchmark by name, or a user's own by the path of its YAML file: a description of rows, or a set of compliance items.

    Args:
        name: The name, or the path.
        drafts: Whether items of a set that nobody reviewed become cases, too.

    Raises:
        UnknownName: There is none of that name; the nearest are suggested.
        ConfigError: The file cannot be used.
    """
    if name.endswith((".yaml", ".yml")):
        from tocsin.benchmarks.items import is_item_set  # they take pydantic and a YAML parser
        from tocsin.benchmarks.yaml_file import check_free, own_benchmark

        path = Path(name).expanduser()
        if is_item_set(path):
            from tocsin.benchmarks.item_cases import item_benchmark

            check_free(path)
            return item_benchmark(path, include_drafts=drafts)
        return own_benchmark(path)
    found: Benchmark = registry.find("benchmark", name)
    return found
