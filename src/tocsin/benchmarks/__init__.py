"""Benchmarks: how a dataset's rows become cases. One file each, by modality."""

from __future__ import annotations

from tocsin.benchmarks.contract import Benchmark, Judged, Measured, benchmark
from tocsin.benchmarks.known import find

__all__ = ["Benchmark", "Judged", "Measured", "benchmark", "find"]
