"""What a network is made of, measured by running it once."""

from .counting import count_flops as count_flops
from .counting import count_macs as count_macs
from .counting import count_parameters as count_parameters
from .summary import Summary as Summary
from .summary import summary as summary
