"""Datasets: origins, licences and gates; fetching, verifying and parsing."""

from __future__ import annotations

from tocsin.datasets.fetch import DatasetDamaged, DatasetError, Found, cache_folder, data_folder, digest, locate
from tocsin.datasets.origin import Dataset, File, GitHub, Hub, Origin, Own, Packaged, Pictures, Unpublished
from tocsin.datasets.rows import Row, RowError, read_rows

__all__ = [
    "Dataset",
    "DatasetDamaged",
    "DatasetError",
    "File",
    "Found",
    "GitHub",
    "Hub",
    "Origin",
    "Own",
    "Packaged",
    "Pictures",
    "Row",
    "RowError",
    "Unpublished",
    "cache_folder",
    "data_folder",
    "digest",
    "locate",
    "read_rows",
]
