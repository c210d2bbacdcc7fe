"""The sampler for training by several processes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sized

from ...core.generator import Generator
from .sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """The share of one of several processes: every `num_replicas`-th index from `rank` on, of one order common to all.

    The order is a permutation by ``seed + epoch`` (`set_epoch` before each epoch), or sequential without `shuffle`. The indices
    are repeated from the start until all shares are equal, or cut with `drop_last`. As there is no process group here to ask,
    both numbers must be given.
    """

    def __init__(self, dataset: Sized, num_replicas: int | None = None, rank: int | None = None, shuffle: bool = True,
                 seed: int = 0, drop_last: bool = False) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available: give num_replicas and rank")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank, self.epoch = dataset, num_replicas, rank, 0
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        n = len(dataset)
        self.num_samples = n // num_replicas if drop_last else math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = Generator().manual_seed(self.seed + self.epoch).randperm(n).tolist() if self.shuffle else range(n)
        return itertools.islice(itertools.cycle(order), self.rank, self.total_size, self.num_replicas)

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, which with the seed determines the order."""
        self.epoch = epoch
