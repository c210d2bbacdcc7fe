"""The older place of ``minidl.utils.data.collate``, from which programs import it."""

from . import collate as collate
