"""The tensors of a user's safetensors file, taken by name and in the shape that its ``config.json`` gives them.

So that a model of another architecture or size is refused by the name of what it lacks, before anything is computed.
"""

import numpy as np
from numpy.typing import NDArray

from reflexd_io.inference import tensors
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.inference.folder import Folder

Floats = NDArray[np.float32]

_MARK = {"bert": "embeddings.word_embeddings.weight", "modernbert": "embeddings.tok_embeddings.weight"}
"""The architectures that are read, by the table that tells them."""
_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu"}


class Stored:
    """A file's tensors, taken by name with the shape that ``config.json`` gives them, as the encoders want them."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.config = folder.config
        self._tensors = tensors.read(folder.model)
        self.weights: dict[str, Floats] = {}
        self.prefix = next((name for name in ("bert.", "model.") if f"{name}{_MARK[self.kind]}" in self._tensors), "")

    @property
    def kind(self) -> str:
        kind = self.config.get("model_type")
        if kind not in _MARK:
            raise UnusableModel(
                f"{self.folder.model}: its config.json says model_type {kind!r}, and of safetensors only "
                f"{' and '.join(_MARK)} are read; an ONNX export of it can be used"
            )
        return str(kind)

    def number(self, name: str, default: int | None = None) -> int:
        value = self.config.get(name, default)
        if not isinstance(value, int) or value <= 0:
            raise UnusableModel(f"{self.folder.model}: its config.json has no usable {name}")
        return value

    def activation(self, name: str) -> str:
        named = self.config.get(name, "gelu")
        if named not in _ACTIVATIONS:
            raise UnusableModel(f"{self.folder.model}: its activation {named!r} is not known here")
        return _ACTIVATIONS[named]

    def take(self, name: str, *shape: int | None) -> Floats:
        """A tensor; None in ``shape`` is any size."""
        if name not in self._tensors:
            raise UnusableModel(f"{self.folder.model} has no {name}: it is not what its config.json says")
        found = self._tensors[name]
        fits = [want in {None, has} for want, has in zip(shape, found.shape, strict=False)]
        if found.ndim != len(shape) or not all(fits):
            has, wanted = _times(found.shape), _times(shape)
            raise UnusableModel(f"{self.folder.model}: {name} is {has}, where its config.json means {wanted}")
        return np.ascontiguousarray(found, np.float32)

    def table(self, ours: str, theirs: str, rows: int | None, width: int) -> None:
        self.weights[ours] = self.take(theirs, rows, width)

    def norm(self, ours: str, theirs: str, width: int) -> None:
        self.weights[f"{ours}.weight"] = self.take(f"{theirs}.weight", width)
        self._bias(ours, [theirs], width)

    def dense(self, ours: str, theirs: list[str], outputs: int | None, inputs: int) -> None:
        """One dense layer, or several of one input made one."""
        made = [self.take(f"{name}.weight", outputs, inputs).T for name in theirs]
        self.weights[f"{ours}.weight"] = np.ascontiguousarray(np.concatenate(made, 1))
        self._bias(ours, theirs, outputs)

    def _bias(self, ours: str, theirs: list[str], size: int | None) -> None:
        if f"{theirs[0]}.bias" in self._tensors:
            self.weights[f"{ours}.bias"] = np.concatenate([self.take(f"{name}.bias", size) for name in theirs])


def _times(shape: tuple[int | None, ...]) -> str:
    return " × ".join("any" if size is None else str(size) for size in shape)
