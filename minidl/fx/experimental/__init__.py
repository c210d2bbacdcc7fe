"""``torch.fx.experimental``: what code asks a tracer, and the answers where there is none."""
