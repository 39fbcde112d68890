"""MCTS-Explore: which seed of a growing tree is mutated next (Yu et al. 2023, arXiv:2309.10253, algorithm 2)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable

import msgspec


class Node(msgspec.Struct, eq=False):
    """A seed, with what came of it.

    Attributes:
        text: The seed.
        level: How many mutations it is away from one of the first seeds.
        visits: How often it lay on the chosen path.
        reward: What paths through it were rewarded with, in sum.
        children: The mutants of it that joined the tree.
    """

    text: str
    level: int = 0
    visits: int = 0
    reward: float = 0.0
    children: list[Node] = []


class Tree:
    """The seeds and their mutants.

    Args:
        seeds: The first seeds.
        exploration: Weight of seeds that were seldom visited against such as were rewarded.
        penalty: By how much a reward shrinks with each level.
        least: Share of a reward that is left at any level.
        inner: Chance of going no further at a seed that has mutants.
    """

    def __init__(self, seeds: Iterable[str], *, exploration: float, penalty: float, least: float, inner: float) -> None:
        self.roots = [Node(seed) for seed in seeds]
        self.nodes = list(self.roots)
        self._exploration, self._penalty, self._least, self._inner = exploration, penalty, least, inner
        self._step = 0

    def select(self, rng: random.Random) -> list[Node]:
        """The path from one of the first seeds to the one that is to be mutated."""
        self._step += 1
        path = [max(self.roots, key=self._promise)]
        while path[-1].children and rng.random() >= self._inner:
            path.append(max(path[-1].children, key=self._promise))
        for node in path:
            node.visits += 1
        return path

    def rewarded(self, path: list[Node], reward: float) -> None:
        """Rewards a path for what came of its end, in [0, 1]; the less, the deeper it is."""
        share = reward * max(self._least, 1 - self._penalty * path[-1].level)
        for node in path:
            node.reward += share

    def join(self, parent: Node, text: str) -> None:
        """Takes a mutant into the tree."""
        child = Node(text, parent.level + 1)
        parent.children.append(child)
        self.nodes.append(child)

    def _promise(self, node: Node) -> float:
        """The upper confidence bound, with the constants of the authors' release."""
        novelty = math.sqrt(2 * math.log(self._step) / (node.visits + 0.01))
        return node.reward / (node.visits + 1) + self._exploration * novelty
