"""``torch.utils.data._utils.collate``: the names of ``minidl.utils.data.collate``."""

import re

from ..collate import collate_tensor_fn as collate_tensor_fn
from ..collate import default_collate as default_collate
from ..collate import default_collate_fn_map as default_collate_fn_map
from ..collate import default_convert as default_convert

np_str_obj_array_pattern = re.compile("[SaUO]")  # the kinds of arrays that are no tensors
