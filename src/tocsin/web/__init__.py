"""The viewer and the labelling page: a local web application over journals that are opened read only."""

from __future__ import annotations
