"""``torch.hub`` without a network: weights are taken from the folder into which PyTorch would have downloaded them."""

from __future__ import annotations

import os
import re
from typing import Any, NoReturn
from urllib.parse import urlparse

from .serialization import load as _load

__all__ = ["download_url_to_file", "get_dir", "load", "load_state_dict_from_url", "set_dir"]

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # the part of a file's name that its contents' hash begins with

_dir: list[str] = []


def _get_torch_home() -> str:
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch")))


def get_dir() -> str:
    """The folder of `set_dir`; else ``$TORCH_HOME/hub``, where TORCH_HOME is ``$XDG_CACHE_HOME/torch`` or ``~/.cache/torch``."""
    return _dir[-1] if _dir else os.path.join(_get_torch_home(), "hub")


def set_dir(d: Any) -> None:
    """Sets the folder that `get_dir` returns."""
    _dir[:] = [os.path.expanduser(d)]


def load_state_dict_from_url(url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True, check_hash: bool = False,
                             file_name: str | None = None, weights_only: bool = False) -> Any:
    """What the file of the URL's name in `model_dir` (``get_dir()/checkpoints``) holds; RuntimeError if it is not there.

    As torch.hub's, which downloads it then.
    """
    path = os.path.join(os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir,
                        file_name or os.path.basename(urlparse(url).path))
    if not os.path.exists(path):
        raise RuntimeError(f"load_state_dict_from_url: nothing is downloaded here; fetch {url} and put it at {path}")
    return _load(path, map_location=map_location, weights_only=weights_only)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> NoReturn:
    """RuntimeError: nothing is downloaded."""
    raise RuntimeError(f"download_url_to_file: nothing is downloaded here; fetch {url} and put it at {dst}")


def load(repo_or_dir: Any, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """RuntimeError: no repository is downloaded."""
    raise RuntimeError(f"hub.load: nothing is downloaded here, got {repo_or_dir!r}; import the code of {model!r} and load its weights with torch.load")
