"""Answers and prompts that people have labelled: what a judge's error is measured on. One file a set, or a family of sets."""

from __future__ import annotations

from tocsin.judges.labels.agreement import Agreed, others_agree, people_agree
from tocsin.judges.labels.contract import LabelSet, find, labels
from tocsin.judges.labels.near import joined
from tocsin.judges.labels.own import own_labels
from tocsin.judges.labels.records import Labelled, Left, LeftOut, Reading

__all__ = [
    "Agreed",
    "LabelSet",
    "Labelled",
    "Left",
    "LeftOut",
    "Reading",
    "find",
    "joined",
    "labels",
    "others_agree",
    "own_labels",
    "people_agree",
]
