"""``torch.fx.experimental.proxy_tensor``: tensors that a tracer records."""


def get_proxy_mode() -> None:
    """None: nothing is recorded."""
