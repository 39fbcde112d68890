"""Benchmarks by name, or by the path of a user's own file."""

from __future__ import annotations

from pathlib import Path

from tocsin import registry
from tocsin.benchmarks.contract import Benchmark


def find(name: str) -> Benchmark:
    """A benchmark by name, or a user's own by the path of its YAML file.

    Raises:
        UnknownName: There is none of that name; the nearest are suggested.
        ConfigError: The file cannot be used.
    """
    if name.endswith((".yaml", ".yml")):
        from tocsin.benchmarks.yaml_file import own_benchmark  # it takes pydantic and a YAML parser

        return own_benchmark(Path(name).expanduser())
    found: Benchmark = registry.find("benchmark", name)
    return found
