"""What the networks are held against: published figures, torchvision's own keys and outputs, and the same source run on PyTorch."""
