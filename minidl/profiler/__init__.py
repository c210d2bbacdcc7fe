"""Where the time goes: time, calls, memory and multiply-accumulates of each operation and each module, forward and backward.

The names are those of ``torch.profiler``. Nothing is measured, and no operation is slower, while no profile is active.
"""

from .averages import AverageRow as AverageRow
from .averages import Averages as Averages
from .events import Event as Event
from .profile import ProfilerAction as ProfilerAction
from .profile import ProfilerActivity as ProfilerActivity
from .profile import profile as profile
from .profile import record_function as record_function
from .profile import schedule as schedule
from .profile import tensorboard_trace_handler as tensorboard_trace_handler
from .trace import trace as trace


def kineto_available() -> bool:
    """False: the profiler is the library's own."""
    return False
