"""Attacks: how a case is put to the target. One file each, by form: transform, search, dialogue, visual."""

from __future__ import annotations

from tocsin.attacks.contract import Attack, attack, attack_family, make

__all__ = ["Attack", "attack", "attack_family", "make"]
