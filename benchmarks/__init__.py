"""minidl timed against PyTorch: ``python -m benchmarks`` from the project's root (``--help`` for the options)."""
