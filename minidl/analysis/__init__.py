"""What a network is made of, measured by running it once."""

from .summary import Summary as Summary
from .summary import summary as summary
