"""The mean of several checkpoints' weights, which does better than each: ``mean.py OUT CHECKPOINT …``."""

import sys
from pathlib import Path

import torch
from torch import Tensor


def mean(checkpoints: list[Path]) -> dict[str, Tensor]:
    states = [torch.load(path)["verifier"] for path in checkpoints]
    return {name: torch.stack([state[name].float() for state in states]).mean(0) for name in states[0]}


if __name__ == "__main__":
    out, *paths = (Path(argument) for argument in sys.argv[1:])
    torch.save({"verifier": mean(paths)}, out)
