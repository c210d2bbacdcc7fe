"""What a network is made of, measured by running it once."""

from .counting import count_flops as count_flops
from .counting import count_macs as count_macs
from .counting import count_parameters as count_parameters
from .geometry import OutputSize as OutputSize
from .geometry import conv_output_size as conv_output_size
from .geometry import conv_transpose_output_size as conv_transpose_output_size
from .geometry import pool_output_size as pool_output_size
from .receptive import MeasuredField as MeasuredField
from .receptive import ReceptiveField as ReceptiveField
from .receptive import measured_receptive_field as measured_receptive_field
from .receptive import receptive_field as receptive_field
from .summary import Summary as Summary
from .summary import summary as summary
