"""Intel's MKL, which is not here: NumPy's products come from the BLAS library that it was built with."""


def is_available() -> bool:
    return False
