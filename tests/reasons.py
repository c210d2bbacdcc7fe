"""Public names without a row in the generated suite, each with the reason and where it is tested instead."""

NO_ROW: dict[str, str] = {
    "linalg.svd": "the signs of its vectors are free: tests/test_linalg.py",
    "linalg.eigh": "the signs of its vectors are free: tests/test_linalg.py",
}
