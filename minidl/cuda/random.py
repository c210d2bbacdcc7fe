"""``torch.cuda.random``: the names of `minidl.cuda` that seed generators, of which there are none."""

from . import get_rng_state as get_rng_state
from . import get_rng_state_all as get_rng_state_all
from . import manual_seed as manual_seed
from . import manual_seed_all as manual_seed_all
from . import set_rng_state as set_rng_state
from . import set_rng_state_all as set_rng_state_all
