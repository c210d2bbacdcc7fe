"""The operations, one file per family. Importing this package fills the table of public ops."""

import importlib

# In this order, so that each family may use those before it.
FAMILIES = ("arithmetic",)
for _family in FAMILIES:
    importlib.import_module(f"{__name__}.{_family}")
