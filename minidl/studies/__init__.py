"""Studies: small experiments on the handwritten digits, each of which prints a table and saves a plot (``minidl study NAME``).

A study is a function in a file of its own with the decorator `study`: it takes the random seed, and returns a `Result`.
"""

from . import batch_size as batch_size
from .registry import STUDIES as STUDIES
from .registry import Result as Result
from .registry import run as run
from .registry import study as study
