"""Two libraries of arrays behind one set of operations: NumPy, which is everywhere, and MLX, imported when asked for.

They share operators, slices and `reshape`; only what they name or compute differently stands here. NumPy's arrays
and MLX's have no type in common, so that what computes with them (`bert`, `modernbert`, `aligning`) says `Array`.
"""

import math
import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = Any


class Ops(Protocol):
    def take(self, table: Array, places: Array) -> Array:
        """Rows of a table."""
        ...

    def softmax(self, x: Array) -> Array: ...

    def gelu(self, x: Array) -> Array: ...

    def gelu_tanh(self, x: Array) -> Array: ...

    def relu(self, x: Array) -> Array: ...

    def norm(self, x: Array, weight: Array, bias: Array | None, epsilon: float) -> Array:
        """LayerNorm over the last axis."""
        ...

    def transposed(self, x: Array, axes: Sequence[int]) -> Array: ...

    def joined(self, parts: Sequence[Array]) -> Array:
        """One after another along the last axis."""
        ...

    def where(self, condition: Array, x: Array, otherwise: float) -> Array: ...

    def largest(self, x: Array, axis: int) -> Array: ...

    def tanh(self, x: Array) -> Array: ...

    def length(self, x: Array) -> Array:
        """Euclidean, of the last axis, which is kept."""
        ...

    def array(self, x: NDArray[np.generic]) -> Array: ...

    def numpy(self, x: Array) -> NDArray[np.float32]: ...


class Numpy:
    def take(self, table: Array, places: Array) -> Array:
        return table[places]

    def softmax(self, x: Array) -> Array:
        powers = np.exp(x - x.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    def gelu(self, x: Array) -> Array:
        return 0.5 * x * (1 + _erf(x * np.float32(math.sqrt(0.5))))

    def gelu_tanh(self, x: Array) -> Array:
        return 0.5 * x * (1 + np.tanh(np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)))

    def relu(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def norm(self, x: Array, weight: Array, bias: Array | None, epsilon: float) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(epsilon)) * weight
        return scaled if bias is None else scaled + bias

    def transposed(self, x: Array, axes: Sequence[int]) -> Array:
        return np.transpose(x, axes)

    def joined(self, parts: Sequence[Array]) -> Array:
        return np.concatenate(parts, -1)

    def where(self, condition: Array, x: Array, otherwise: float) -> Array:
        return np.where(condition, x, np.float32(otherwise))

    def largest(self, x: Array, axis: int) -> Array:
        return x.max(axis)

    def tanh(self, x: Array) -> Array:
        return np.tanh(x)

    def length(self, x: Array) -> Array:
        return np.sqrt((x * x).sum(-1, keepdims=True))

    def array(self, x: NDArray[np.generic]) -> Array:
        return x

    def numpy(self, x: Array) -> NDArray[np.float32]:
        return np.asarray(x, np.float32)


def _erf(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Within 1.5e-7 (Abramowitz and Stegun, 7.1.26); NumPy has none."""
    size = np.abs(x)
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = t * (np.float32(factor) + series)
    found: NDArray[np.float32] = np.sign(x) * (1 - series * np.exp(-size * size))
    return found


class Mlx:
    """All of it in the thread that made it: MLX's streams are each thread's own (since 0.31.2)."""

    def __init__(self) -> None:
        # TF32 keeps 10 bits of the mantissa: equal decisions on all backends are worth more than speed.
        os.environ["MLX_ENABLE_TF32"] = "0"
        import mlx.core  # noqa: PLC0415 - a hundred megabytes that only Apple's machines have

        self.core = mlx.core

    def take(self, table: Array, places: Array) -> Array:
        return table[places]

    def softmax(self, x: Array) -> Array:
        return self.core.softmax(x, axis=-1)

    def gelu(self, x: Array) -> Array:
        return 0.5 * x * (1 + self.core.erf(x * math.sqrt(0.5)))

    def gelu_tanh(self, x: Array) -> Array:
        return 0.5 * x * (1 + self.core.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))

    def relu(self, x: Array) -> Array:
        return self.core.maximum(x, 0)

    def norm(self, x: Array, weight: Array, bias: Array | None, epsilon: float) -> Array:
        return self.core.fast.layer_norm(x, weight, bias, epsilon)

    def transposed(self, x: Array, axes: Sequence[int]) -> Array:
        return self.core.transpose(x, axes)

    def joined(self, parts: Sequence[Array]) -> Array:
        return self.core.concatenate(list(parts), axis=-1)

    def where(self, condition: Array, x: Array, otherwise: float) -> Array:
        return self.core.where(condition, x, otherwise)

    def largest(self, x: Array, axis: int) -> Array:
        return x.max(axis=axis)

    def tanh(self, x: Array) -> Array:
        return self.core.tanh(x)

    def length(self, x: Array) -> Array:
        return self.core.linalg.norm(x, axis=-1, keepdims=True)

    def array(self, x: NDArray[np.generic]) -> Array:
        return self.core.array(x)

    def numpy(self, x: Array) -> NDArray[np.float32]:
        return np.array(x.astype(self.core.float32))
