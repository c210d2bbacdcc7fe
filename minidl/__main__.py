"""``python -m minidl`` is the console command ``minidl``."""

import sys

from .cli import main

sys.exit(main())
