"""Breaks of what trains: modules, hooks, initial values, optimisers, schedules, utilities of nn, data loading."""

from __future__ import annotations

BREAKS: dict[str, list[tuple[str, str, str]]] = {
    "optim/sgd.py": [
        ('1 - group["dampening"]', 'group["dampening"]', "optim twins: SGD or sgd"),
        ("g = np.add(g, np.multiply(b, momentum, out=s), out=s)", "g = np.multiply(b, momentum, out=s)", "optim twins: SGD or sgd"),
    ],
    "optim/adam.py": [
        ("s *= 1 / math.sqrt(1 - beta2 ** t)\n", "s *= 1 / (1 - beta2 ** t)\n", "optim twins: Adam or adam"),
        ('w *= 1 - lr * group["weight_decay"]', 'w *= 1 - group["weight_decay"]', "optim twins: Adam or adam"),
        ("v = np.maximum(largest, v, out=largest)", "np.maximum(largest, v, out=largest)", "optim twins: Adam or adam"),
        ('            group["decoupled_weight_decay"] = True', "            pass", "optim twins: Adam or adam"),
    ],
    "optim/adamax.py": [('        s += group["eps"]', "        pass", "optim twins")],
    "optim/nadam.py": [("for i in (t, t + 1))", "for i in (t, t))", "optim twins: NAdam or nadam or step or equal")],
    "optim/radam.py": [("if length > 5:", "if length > 4:", "optim twins"), ("longest = 2 / (1 - beta2) - 1", "longest = 2 / (1 - beta2)", "optim twins")],
    "optim/rmsprop.py": [("            np.multiply(a, a, out=s)", "            np.copyto(s, a)", "optim twins")],
    "optim/adadelta.py": [('average_square(u, d, group["rho"], s)', 'average_square(u, g, group["rho"], s)', "optim twins")],
    "optim/adagrad.py": [('(t - 1) * group["lr_decay"]', 't * group["lr_decay"]', "optim twins")],
    "optim/rprop.py": [("        np.copyto(previous, 0, where=turned)", "        pass", "optim twins")],
    "optim/asgd.py": [('max(1, t - group["t0"])', 'max(1, t)', "optim twins")],
    "optim/adafactor.py": [
        ("s /= np.maximum(rows.mean(-2, keepdims=True), eps1)", "s /= np.maximum(rows.mean(-1, keepdims=True), eps1)", "optim twins"),
        ("max(1.0, root_mean_square(s) / group[\"d\"])", "max(1.0, root_mean_square(s))", "optim twins"),
    ],
    "optim/lbfgs.py": [
        ("d += (weights.pop() - y @ d * r) * s", "d += weights.pop() * s", "optim twins"),
        ("del state[name][:-history_size]", "pass", "optim twins"),
    ],
    "optim/line_search.py": [
        ("low = 0 if ends[0].loss <= ends[1].loss else 1", "low = 0 if ends[0].loss < ends[1].loss else 1", "line_search"),
        ("((a.t, b.t) if a.t <= b.t else (b.t, a.t))", "(min(a.t, b.t), max(a.t, b.t))", "line_search"),
        ("if point.slope * (ends[1 - low].t - ends[low].t) >= 0:", "if True:", "line_search"),
        ("elif stalled or t >= right", "elif t >= right", "line_search"),
        ("(rounds > 1 and point.loss >= previous.loss)", "(rounds > 0 and point.loss >= previous.loss)", "line_search"),
        ("t = right - margin if abs(t - right) < abs(t - left) else left + margin", "t = right - margin", "line_search"),
    ],
    "optim/muon.py": [
        ("float(np.float32(beta)) * x.astype(np.float64) + np.float32(alpha) * y", "beta * x + np.float32(alpha) * y", "optim_muon"),
        ("0x7FFF + (bits >> 16 & 1)", "0x8000", "optim_muon"),
    ],
    "optim/per_parameter.py": [
        ("            p._counter[0] += 1", "            pass", "optim twins"),
        ("            g = np.negative(g, out=total)", "            pass", "optim twins"),
        ("scratch *= 1 - beta\n", "scratch *= beta\n", "optim twins"),
        ('kept[name] = scalar(float(kept[name]))', "pass", "optim serialization"),
    ],
    "optim/optimizer.py": [
        ("if not set(params).isdisjoint(group[\"params\"]):", "if False:", "optim twins"),
        ("start += len(group[\"params\"])", "pass", "optim twins"),
        ('if key == "step" or p._data', "if p._data", "optim twins"),
        ("                    g._data[...] = 0\n                    g._counter[0] += 1", "                    g._data[...] = 0", "optim twins"),
    ],
    "optim/swa_utils.py": [
        ("float(1 / (num_averaged + 1))", "float(1 / (num_averaged + 2))", "optim lr_scheduler twins"),
        ("_move(average, current, 1 - decay)", "_move(average, current, decay)", "optim lr_scheduler twins"),
        ("    model.train(was_training)", "    pass", "optim lr_scheduler twins"),
    ],
    "optim/lr_scheduler/base.py": [
        ("group[key]._counter[0] += 1", "pass", "lr_scheduler twins"),
        ('if key != "optimizer"}', "}", "lr_scheduler twins"),
        ('return wrap(value._data.copy()) if', "return value if", "lr_scheduler twins"),
    ],
    "optim/lr_scheduler/decay.py": [
        ("self.last_epoch != 0 and self.last_epoch % self.step_size == 0", "self.last_epoch % self.step_size == 0", "lr_scheduler twins"),
        ("self.gamma ** self.milestones[self.last_epoch]", "self.gamma ** min(1, self.milestones[self.last_epoch])", "lr_scheduler twins"),
        ("(self.last_epoch - 1) * rise)", "self.last_epoch * rise)", "lr_scheduler twins"),
        ("min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power", "self.last_epoch / self.total_iters) ** self.power", "lr_scheduler twins"),
        ("(self.last_epoch >= self.total_iters) * (1", "(self.last_epoch > self.total_iters) * (1", "lr_scheduler twins"),
    ],
    "optim/lr_scheduler/cosine.py": [
        ("(self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0", "(self.last_epoch - 1 - self.T_max) % self.T_max == 0", "lr_scheduler twins"),
        ("self.T_i *= self.T_mult", "self.T_i += self.T_mult", "lr_scheduler twins"),
        ("restarts = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))", "restarts = int(math.log(epoch / self.T_0, self.T_mult))", "lr_scheduler twins"),
    ],
    "optim/lr_scheduler/cycles.py": [
        ("0.5 ** (x - 1) if self.mode", "0.5 ** x if self.mode", "lr_scheduler twins"),
        ("float(pct_start * self.total_steps) - 1, self.total_steps - 1", "float(pct_start * self.total_steps), self.total_steps - 1", "lr_scheduler twins"),
        ("self._set_momentum(group, top - (top - base) * part * scale)", "self._set_momentum(group, base + (top - base) * part * scale)", "lr_scheduler twins"),
    ],
    "optim/lr_scheduler/combined.py": [
        ("if i > 0 and self._milestones[i - 1] == self.last_epoch:", "if False:", "lr_scheduler twins"),
        ("            undo(inner)", "            pass", "lr_scheduler twins"),
    ],
    "optim/lr_scheduler/plateau.py": [
        ('best * (1.0 + sign * self.threshold) if self.threshold_mode == "rel"', 'best * (1.0 - sign * self.threshold) if self.threshold_mode == "rel"', "lr_scheduler twins"),
        ("return a < bound if", "return a <= bound if", "lr_scheduler twins"),
    ],
    "nn/modules/hooks.py": [
        ("owners = self.module, (GLOBAL, self.module)", "owners = self.module, (self.module, GLOBAL)", "module_hooks twins"),
        ("if key in self.called or not", "if not", "module_hooks twins"),
        ("self.args = args if isinstance(args, tuple) else (args,)", "self.args = (args,)", "module_hooks twins"),
        ("grads = replaced_by(hook(self.module, grads, self.grad_outputs), grads,", "replaced_by(hook(self.module, grads, self.grad_outputs), grads,", "module_hooks twins"),
        ("if result is not None:\n            self.result = result", "if result:\n            self.result = result", "module_hooks twins"),
        ("y._data, y._counter = t._data, t._counter", "y._data, y._counter = t._data, [0]", "module_hooks twins"),
        ("if module._is_full_backward_hook is (not full):", "if False:", "module_hooks twins"),
    ],
    "nn/modules/state.py": [
        ("if name not in module._non_persistent_buffers_set]", "]", "module_tree modules"),
        ("if own.ndim == 0 and given.shape == (1,):", "if False:", "module_tree twins"),
        ("given.requires_grad = own.requires_grad", "pass", "module_tree twins"),
        ("destination._metadata[prefix[:-1]] = metadata", "destination._metadata[prefix] = metadata", "module_tree modules serialization"),
        ("elif strict and extra in state_dict:", "elif False:", "module_tree twins"),
        ("if name not in (self._modules if below else own):", "if name not in own and not below:", "module_tree twins"),
    ],
    "nn/modules/batchnorm.py": [
        ("momentum = 1.0 / float(self.num_batches_tracked)", "momentum = 0.1", "modules norm twins: Norm or norm"),
        ("tracked = not self.training or self.track_running_stats", "tracked = True", "modules norm twins: Norm or norm"),
        ('(local_metadata.get("version") or 1) < 2', "False", "modules module_tree norm serialization"),
    ],
    "nn/modules/rnn.py": [
        ("self._all_weights):\n                    x = F.dropout", "self._all_weights) + 1:\n                    x = F.dropout", "modules dropout: RNN or LSTM or GRU or recurrent or dropout"),
    ],
    "nn/init.py": [
        ('"tanh": 5 / 3', '"tanh": 4 / 3', "modules nn_utils: init or gain"),
        ('[mode == "fan_out"]', '[mode != "fan_out"]', "modules nn_utils module_tree: init"),
        ("q *= np.sign(np.diag(r))", "pass", "modules nn_utils twins: init"),
        ("(group * (out // groups) + d, d, *centre)", "(d, d, *centre)", "modules nn_utils twins: init"),
        ("math.sqrt(2.0 / (1 + param ** 2))", "math.sqrt(2.0 / (1 + param))", "modules nn_utils: init or gain"),
    ],
    "nn/utils/clip_grad.py": [
        ("(total_norm + 1e-6)", "total_norm", "nn_utils twins"),
        ("stack([vector_norm(t, norm_type) for t in tensors]), norm_type)", "stack([vector_norm(t, norm_type) for t in tensors]), 2.0)", "nn_utils twins"),
    ],
    "nn/utils/spectral_norm.py": [("u, v = u.clone(), v.clone()", "pass", "nn_utils twins")],
    "nn/utils/weight_norm.py": [("vector_norm(v, 2, [d for d", "vector_norm(v, 1, [d for d", "nn_utils twins")],
    "nn/utils/parametrize.py": [
        ("        if not _cached_depth:\n            _cache.clear()", "        pass", "nn_utils twins"),
        ("for module in reversed(list(self)):\n                with", "for module in list(self):\n                with", "nn_utils twins"),
    ],
    "nn/utils/fusion.py": [
        ("scale = (var + eps).rsqrt()", "scale = var.rsqrt()", "nn_utils quantization quantization_layers"),
        ("new_bias = (bias - mean) * scale", "new_bias = (bias + mean) * scale", "nn_utils quantization quantization_layers"),
    ],
    "utils/data/dataloader.py": [
        ("worker = self.pending.popleft()", "worker = self.pending.pop()", "data"),
        ("info = WorkerInfo(i, n, base_seed + i, loader.dataset)", "info = WorkerInfo(i, n, base_seed, loader.dataset)", "data"),
        ("draw_seed(loader.generator)  # of workers", "pass  # of workers", "data"),
        ("while turn != self.turn:", "while turn == 0:", "data"),
        ("n // self.batch_size if self.drop_last else -(-n // self.batch_size)", "n // self.batch_size", "data"),
    ],
    "utils/data/sampler.py": [
        ("if self.drop_last and len(batch) < self.batch_size:", "if self.drop_last and len(batch) <= self.batch_size:", "data"),
        ("n // self.batch_size if self.drop_last else -(-n // self.batch_size)", "n // self.batch_size", "data"),
        ("itertools.repeat(32, count // 32)", "itertools.repeat(64, count // 64)", "data"),
        ("generator.randperm(n).tolist()[:size]", "generator.randperm(size).tolist()", "data"),
    ],
    "utils/data/collate.py": [
        ("return tensor(batch, dtype=np.float64)", "return tensor(batch)", "data"),
        ("if any(len(item) != len(sample) for item in batch):", "if False:", "data"),
    ],
    "utils/data/workers.py": [
        ("starts.append(starts[-1] + -(-size // ALIGNMENT) * ALIGNMENT)", "starts.append(starts[-1] + size // ALIGNMENT * ALIGNMENT)", "data"),
        ("default_generator.manual_seed(info.seed)", "default_generator.manual_seed(base_seed)", "data"),
        ("if not batch or (self.drop_last and len(batch) < len(index)):", "if not batch:", "data"),
    ],
}
