"""Public names without a row in the generated suite, each with the reason and where it is tested instead."""

NO_ROW: dict[str, str] = {
    "Tensor.view": "raises where the memory layout forbids a view: tests/test_views.py",
    "Tensor.view_as": "as Tensor.view: tests/test_views.py",
    "linalg.svd": "the signs of its vectors are free: tests/test_linalg.py",
    "linalg.eigh": "the signs of its vectors are free: tests/test_linalg.py",
    **dict.fromkeys((f"{where}{name}_" for where, names in (
        ("", ("relu", "rrelu", "threshold", "selu", "celu")),
        ("nn.functional.", ("relu", "rrelu", "threshold", "selu", "celu", "elu", "hardtanh", "leaky_relu"))) for name in names),
        "edits its input: tests/test_elementwise.py"),
    "Tensor.cuda": "always an error: tests/test_engine.py",
    "Tensor.pin_memory": "PyTorch's needs an accelerator; here the tensor itself: tests/test_engine.py",
    "from_numpy": "every row passes through it; its errors: tests/test_engine.py",
    "from_dlpack": "takes another library's array: tests/test_engine.py",
    "frombuffer": "takes a buffer: tests/test_engine.py",
    "nn.functional.gumbel_softmax": "draws random numbers: tests/test_compat.py",
    **dict.fromkeys((f"fake_quantize_per_{what}_affine" for what in ("tensor", "channel")), "steps, compared bit for bit: tests/test_quantization.py"),
    **dict.fromkeys(("manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state"), "the generator's state: tests/test_generator.py and tests/test_engine.py"),
    **dict.fromkeys(("complex", "polar", "real", "imag", "conj", "conj_physical", "resolve_conj", "is_conj", "angle", "view_as_real", "view_as_complex",
                     "Tensor.cfloat", "Tensor.cdouble", "linalg.eig", "linalg.eigvals"), "complex numbers: tests/test_complex.py"),
    **dict.fromkeys((f"fft.{name}" for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2", "fftn",
                                                "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn")), "complex numbers: tests/test_fft.py"),
    **dict.fromkeys(("fft.fftfreq", "fft.rfftfreq", "fft.fftshift", "fft.ifftshift", "stft", "istft"), "tests/test_fft.py"),
}
