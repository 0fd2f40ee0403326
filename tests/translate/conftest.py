"""One thread: these networks are so small that more of them only wait for each other."""

try:
    import torch
except ImportError:
    pass
else:
    torch.set_num_threads(1)
