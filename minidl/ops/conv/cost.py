"""What a convolution costs, estimated from its sizes: the choice between algorithms needs no trial."""

from __future__ import annotations

from typing import NamedTuple

# Seconds, as measured on one core with AVX-512 and OpenBLAS. Only their proportions matter for the choice.
MULTIPLY = 2.1e-11  # a multiply-add in a matrix product of float32
MOVE = 2e-10  # an element of 4 bytes copied, or added to another, within the second-level cache
RUN = 6e-9  # a contiguous run of such elements
STEP = 3  # time to copy an element with a stride, over that of one in a run
CALL = 2.5e-6  # a call into NumPy with the Python around it


class Cost(NamedTuple):
    """What an algorithm does for one problem."""

    work: float  # multiply-adds
    moved: float  # elements copied or added, beyond those of the products
    runs: float  # contiguous runs that the moved elements form
    calls: float
    memory: int  # bytes beyond the result's
    columns: float = 512  # of the matrices in one product: narrow ones are slower
    rate: float = 1.0  # time of a multiply-add over that in a matrix product
    error: float = 1.0  # of float32 sums, over a plain dot product's: typical, at the usual sizes

    def seconds(self, itemsize: int = 4) -> float:
        """The estimated time. Twice as long elements take twice as long."""
        size = itemsize / 4
        product = self.work * MULTIPLY * self.rate * (1 + 12 / max(1.0, self.columns))
        return (product + self.moved * MOVE) * size + self.runs * RUN + self.calls * CALL

    def __add__(self, other: Cost) -> Cost:  # type: ignore[override]
        """Both, one after the other."""
        share = self.work / max(1.0, self.work + other.work)
        return Cost(self.work + other.work, self.moved + other.moved, self.runs + other.runs, self.calls + other.calls,
                    max(self.memory, other.memory), share * self.columns + (1 - share) * other.columns,
                    share * self.rate + (1 - share) * other.rate, max(self.error, other.error))
