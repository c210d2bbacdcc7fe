"""Breaks of what stands around the core: files, quantisation, classical models, analysis, transforms, data sets, models."""

from __future__ import annotations

BREAKS: dict[str, list[tuple[str, str, str]]] = {
    "testing/operators.py": [
        ("visit(value, case.inputs is None and key not in operator.constant)", "visit(value, key not in operator.constant)", "testing: module_is_made"),
        ("visit(value, case.inputs is None and key not in operator.constant)", "pass", "testing testing_strategies: gradient or relations"),
    ],
    "testing/training.py": [
        ("return self.base ** epoch", "return self.base * epoch", "testing_strategies: power"),
        ("1e-9 * (1 + abs(w)) + bound", "1e-6 * (1 + abs(w)) + bound", "testing_strategies: told_apart"),
    ],
    "testing/bounds.py": [
        ("64 * max(_largest(m - v)", "0 * max(_largest(m - v)", "testing_strategies: loses_all_digits"),
    ],
    "serialization/trust.py": [
        ("if found is not None and self.modules:", "if found is not None:", "serialization_edges serialization serialization_hostile"),
        ("if not isinstance(self.stack[at], kinds):", "if False:", "serialization_edges serialization_hostile"),
        ("if depth > MAX_DEPTH or count > MAX_PARTS:", "if depth > MAX_DEPTH:", "serialization_edges serialization_hostile"),
        ('if k == "_metadata"}', "}", "serialization_edges serialization_hostile serialization"),
        ("data: bytes = self.file.read(n) if 0 <= n <= self.left else", "data: bytes = self.file.read(n) if 0 <= n else", "serialization_edges serialization_hostile"),
        ("_allowed[:] = self.previous", "_allowed.clear()", "serialization_edges serialization serialization_hostile serialization_save"),
        ("pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.BINPERSID)", "pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.BINPERSID, pickle.INST)",
         "serialization_edges serialization_hostile"),
        ("if not (isinstance(cls, type) and issubclass(cls, (Module, *beside.NAMESPACES))):", "if not isinstance(cls, type):",
         "serialization_edges serialization_hostile"),
    ],
    "serialization/rebuild.py": [
        ("zip(size, stride)) >= array.size", "zip(size, stride)) > array.size", "serialization_edges serialization serialization_hostile"),
        ('not k.startswith("_") and not hasattr(Tensor, k)', 'not k.startswith("_")', "serialization_edges serialization_hostile serialization"),
        ("type(n) is int and n >= 0 for n", "type(n) is int for n", "serialization_edges serialization_hostile serialization"),
        ('.astype("u4") << 16', '.astype("u4") << 15', "serialization_edges serialization"),
        ("type(name) is not str or name not in SCALARS", "type(name) is not str", "serialization_edges serialization_hostile serialization"),
        ("{kind.__name__}\": kind for kind in (set, frozenset,", "{kind.__name__}\": kind for kind in (eval, set, frozenset,", "serialization_edges serialization_hostile serialization"),
    ],
    "serialization/write.py": [
        ("gap = -(archive.start_dir + 30 + len(info.filename) + 4 + large) % ALIGNMENT", "gap = 0", "serialization_edges serialization_save serialization"),
        ("tuple(s // array.itemsize if n > 1 else 1 for n, s", "tuple(s // array.itemsize for n, s", "serialization_edges serialization_save serialization views"),
        ("            os.fsync(file.fileno())", "            pass", "serialization_edges serialization_save serialization"),
        ("if storage.memory.dtype != array.dtype:", "if False:", "serialization_edges serialization_save serialization"),
        ("shutil.copymode(path, beside)", "pass", "serialization_edges serialization_save serialization"),
        ("offset = (address(array) - address(memory)) // array.itemsize if array.size else 0", "offset = 0", "serialization_edges serialization_save serialization"),
    ],
    "quantization/affine.py": [
        ("(span / 2)", "span", "quantization_edges quantization"),
        ("quant_min - np.rint(low / scale)", "quant_min + np.rint(low / scale)", "quantization_edges quantization"),
        ("np.minimum(np.asarray(min_val, np.float32), np.float32(0))", "np.asarray(min_val, np.float32)", "quantization_edges quantization"),
    ],
    "quantization/requantize.py": [
        ("np.asarray(b, np.int64) + 2 ** 30) >> 31", "np.asarray(b, np.int64)) >> 31", "quantization_edges quantization quantization_layers"),
        ("> (mask >> 1) + (x < 0))", "> (mask >> 1))", "quantization_edges quantization quantization_layers"),
        ("shift = shift + (multiplier == 2 ** 31)", "pass", "quantization_edges quantization quantization_layers"),
    ],
    "quantization/observer.py": [
        ("old_high + c * (high - old_high)", "old_high + c * high", "quantization_edges quantization"),
        ("if d != self.axis % x.ndim)", "if d != self.axis)", "quantization_edges quantization quantization_layers"),
    ],
    "quantization/layers.py": [
        ("least = np.abs(bias) / (float(input_params.scale) * 2 ** 30)", "least = np.zeros(channels)", "quantization_edges quantization quantization_layers"),
        ("if largest > INT32_MAX:", "if False:", "quantization_edges quantization quantization_layers quantization_models"),
        ("low = max(params.quant_min, int(params.zero_point)) if relu and side", "low = params.quant_min if relu and side", "quantization_edges quantization quantization_layers quantization_models"),
        ("quantize_multiplier(scales[0] * scales[1] / scales[2])", "quantize_multiplier(scales[0] * scales[2] / scales[1])", "quantization_edges quantization quantization_layers"),
    ],
    "quantization/fixed_point.py": [
        ("max(-low, high))[1] - 1", "max(-low, high))[1]", "quantization_edges quantization"),
        ("magnitude = 1 << (self.bits - self.signed)", "magnitude = 1 << (self.bits - 1)", "quantization_edges quantization"),
    ],
    "quantization/fold.py": [
        ("if layer is None or flow.sole_consumer(source) is None:", "if layer is None:", "quantization_edges quantization quantization_layers quantization_models"),
    ],
    "classical/lloyd.py": [
        ("sums[labels[sample]] -= moved", "pass", "classical_edges classical_kmeans"),
        ("if shift <= tol or i == max_iter:", "if shift <= tol:", "classical_edges classical_kmeans"),
        ("np.concatenate([-2 * centers.T,", "np.concatenate([-centers.T,", "classical_edges classical_kmeans"),
    ],
    "classical/seeding.py": [
        ("trials = 2 + int(np.log(k))", "trials = 1", "classical_edges classical_kmeans"),
        ("np.cumsum(weights * closest)", "np.cumsum(closest)", "classical_edges classical_kmeans"),
    ],
    "classical/linear.py": [
        ("intercept = t_mean - coef @ x_mean", "intercept = t_mean + coef @ x_mean", "classical_edges classical_linear"),
        ("root = np.sqrt(w)[:, None]", "root = w[:, None]", "classical_edges classical_linear"),
        ("s * s + self.alpha", "s + self.alpha", "classical_edges classical_linear"),
    ],
    "classical/logistic.py": [
        ("decay = 1 / (self.C * w.sum()) if", "decay = self.C / w.sum() if", "classical_edges classical_linear"),
        ("shifted = scores - scores.max(axis=1, keepdims=True)", "shifted = scores", "classical_edges classical_linear classical_checks"),
        ("np.count_nonzero(total) * np.where", "len(total) * np.where", "classical_edges classical_linear"),
    ],
    "classical/metrics/classification.py": [
        ('{"true": 1, "pred": 0, "all": None}', '{"true": 0, "pred": 1, "all": None}', "classical_metrics"),
        ("_ratio(hit, support, \"Recall\", zero_division)", "_ratio(hit, found, \"Recall\", zero_division)", "classical_metrics"),
        ("order = np.argsort(names)", "order = np.arange(len(names))", "classical_metrics"),
    ],
    "classical/metrics/clustering.py": [
        ("expected = a * b / total", "expected = a * b", "classical_metrics"),
        ("np.maximum(sizes[mine] - 1, 1)", "np.maximum(sizes[mine], 1)", "classical_metrics"),
    ],
    "classical/metrics/regression.py": [("np.where(error == 0, 1.0, 0.0)", "0.0", "classical_metrics")],
    "analysis/costs.py": [
        ("size(z) * x.shape[1] // geo.groups * prod(kernel)", "size(z) * x.shape[1] * prod(kernel)", "analysis"),
        ('"conv_transposed": lambda y, x, w, b, shape, geo: size(x)', '"conv_transposed": lambda y, x, w, b, shape, geo: size(y)', "analysis"),
        ("args[BIAS[name]] is not None)", "False)", "analysis"),
    ],
    "analysis/axis.py": [
        ("[[k * dilation - before for k in range(kernel)]]", "[[k - before for k in range(kernel)]]", "analysis_field analysis"),
        ("if p % stride == 0]", "]", "analysis_field analysis"),
        ("if self.stride != other.stride:", "if False:", "analysis_field analysis"),
        ("max((s[1] - s[0] + 1 for s", "max((s[1] - s[0] for s", "analysis_field analysis"),
    ],
    "analysis/geometry.py": [
        ("late = (size - 1) * s >= n + p", "late = (size - 1) * s > n + p", "analysis analysis_field"),
        ("sizes.append((n - 1) * s - 2 * p + d * (k - 1) + e + 1)", "sizes.append((n - 1) * s - 2 * p + (k - 1) + e + 1)", "analysis analysis_field"),
    ],
    "transforms/functional/color.py": [
        ("y = float(factor) * img + (1.0 - float(factor)) * other", "y = float(factor) * other + (1.0 - float(factor)) * img", "transforms_edges transforms transforms_values"),
        ("0.2989 * r + 0.587 * g + 0.114 * b", "0.2989 * b + 0.587 * g + 0.114 * r", "transforms_edges transforms transforms_values"),
        ("2.0 + red - blue", "2.0 + blue - red", "transforms_edges transforms transforms_values"),
        ("img & (256 - 2 ** (8 - bits))", "img & (256 - 2 ** bits)", "transforms_edges transforms transforms_values"),
        ("step // 2)[:-1] // step", "0)[:-1] // step", "transforms_edges transforms transforms_values"),
        ("where(img >= threshold, invert(img), img)", "where(img > threshold, invert(img), img)", "transforms_edges transforms transforms_values"),
    ],
    "transforms/functional/geometry.py": [
        ("round((h + dh - height) / 2), round((w + dw - width) / 2), height, width)", "(h + dh - height) // 2, (w + dw - width) // 2, height, width)", "transforms_edges transforms transforms_values"),
        ("(new_long, new_short) if width <= height", "(new_short, new_long) if width <= height", "transforms_edges transforms transforms_values"),
        ("[dw // 2, dh // 2, (dw + 1) // 2, (dh + 1) // 2]", "[(dw + 1) // 2, (dh + 1) // 2, dw // 2, dh // 2]", "transforms_edges transforms transforms_values"),
        ("result = result.clamp(0, 255)", "pass", "transforms_edges transforms transforms_values"),
    ],
    "transforms/functional/warp.py": [
        ("from_middle(img, center), -angle,", "from_middle(img, center), angle,", "transforms_edges transforms transforms_values"),
        ("translate[0], center[1] + translate[1]", "translate[1], center[1] + translate[0]", "transforms_edges transforms transforms_values"),
        ("np.clip(np.nan_to_num(pixels @ numerator / (pixels @ denominator)[:, None] - 1, nan=2.0), -2.0, 2.0)",
         "pixels @ numerator / (pixels @ denominator)[:, None] - 1", "transforms_values: horizon"),
        ('mode.value, "zeros", False)', 'mode.value, "zeros", True)', "transforms_edges transforms transforms_values"),
    ],
    "transforms/functional/filter.py": [
        ("[size * 0.15 + 0.35 for size in sizes]", "[size * 0.15 for size in sizes]", "transforms_edges transforms transforms_values"),
        (".sub_(m).div_(s)", ".sub_(s).div_(m)", "transforms_edges transforms transforms_values"),
        ("kernel[1, 1] = 5", "kernel[1, 1] = 4", "transforms_edges transforms transforms_values"),
    ],
    "transforms/mix.py": [
        ("mixed, 1.0 - (right - left) * (bottom - top) / (w * h)", "mixed, (right - left) * (bottom - top) / (w * h)", "transforms_edges transforms transforms_random"),
        ("scale = (1 - _unit()) ** (1 / shape)", "scale = (1 - _unit()) ** shape", "transforms_edges transforms transforms_random"),
    ],
    "autograd/gradcheck.py": [
        ("if not np.allclose(analytical, numerical, rtol, atol):", "if False:", "engine testing compat"),
        ("rows.append((sides[0] - sides[1]) / (2 * eps))", "rows.append((sides[0] - sides[1]) / eps)", "engine testing compat"),
    ],
}
