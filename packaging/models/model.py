"""The two models as PyTorch modules: what is trained here and what the backends must compute.

One encoder (BERT's, six layers of 384) serves twice: `Embedder` pools its tokens into one vector; `Verifier` reads
two questions at once and says whether one answer serves both. Both look words up in the same embedding table, which
is never trained, so that it ships once.

The verifier's head aligns: every token of one question looks for its counterpart in the other (`softmax` over
projected cosines), and what remains of it after the counterpart is taken away is judged. A token whose remainder is
large is what the two questions differ in; its tag is the explanation that a person reads.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 384
HEADS = 12
LAYERS = 6
INNER = 1536
VOCABULARY = 30522
ALIGN = 128
"""Width of the space in which counterparts are sought, and of a token's remainder."""
HIDDEN = 256
EPS = 1e-12


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH, eps=EPS)
        self.up = nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH, eps=EPS)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        batch, length, _ = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        # Written out: PyTorch's fused attention takes three times as long backwards in bfloat16 on a CPU.
        weights = (q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5 + bias).softmax(-1).to(v.dtype)
        mixed = (weights @ v).transpose(1, 2).reshape(batch, length, WIDTH)
        x = self.norm1(x + self.dropout(self.out(mixed)))
        return self.norm2(x + self.dropout(self.down(functional.gelu(self.up(x)))))


class Encoder(nn.Module):
    def __init__(self, words: nn.Embedding) -> None:
        super().__init__()
        self.words = words
        self.positions = nn.Embedding(512, WIDTH)
        self.types = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=EPS)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Tensor:
        """``ids``, ``types``, ``mask``: (batch, length); (batch, length, 384) comes back."""
        places = torch.arange(ids.shape[1])
        x = self.norm(self.words(ids) + self.types(types) + self.positions(places))
        bias = (1.0 - mask[:, None, None, :].to(x.dtype)) * -1e4
        for layer in self.layers:
            x = layer(x, bias)
        return x


class Embedder(nn.Module):
    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit vectors, (batch, 384): the mean over the tokens, special ones included, as the origin does it."""
        hidden = self.encoder(ids, torch.zeros_like(ids), mask)
        weight = mask[:, :, None].to(hidden.dtype)
        return functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)


class Verifier(nn.Module):
    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.project = nn.Linear(WIDTH, ALIGN, bias=False)
        self.sharpness = nn.Parameter(torch.tensor(10.0))
        self.remainder = nn.Linear(2 * WIDTH, ALIGN)
        self.tag = nn.Linear(ALIGN, 1)
        self.hidden = nn.Linear(2 * WIDTH + 2 * ALIGN + 2, HIDDEN)
        self.strict = nn.Linear(HIDDEN, 1)
        self.loose = nn.Linear(HIDDEN, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor, content: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits ``strict`` and ``loose`` (batch,) and ``tags`` (batch, length).

        ``content``: 1 for tokens of the first question, 2 for those of the second, 0 for special ones and padding.
        """
        x = self.encoder(ids, types, mask).float()
        first, second = (content == 1), (content == 2)
        across = (first[:, :, None] & second[:, None, :]) | (second[:, :, None] & first[:, None, :])
        p = functional.normalize(self.project(x), dim=-1)
        scores = (p @ p.transpose(1, 2)) * self.sharpness
        weights = scores.masked_fill(~across, -1e4).softmax(-1)
        aligned = weights @ x
        left = functional.gelu(self.remainder(torch.cat([x - aligned, x * aligned], -1)))
        tags = self.tag(left).squeeze(-1)
        both = first | second
        weight = both[:, :, None].float()
        total = weight.sum(1)
        worst = left.masked_fill(~both[:, :, None], -1e4).max(1).values
        mean = (left * weight).sum(1) / total
        highest = tags.masked_fill(~both, -1e4).max(1).values
        average = (tags * both).sum(1) / total.squeeze(-1)
        a = _mean(x, first)
        b = _mean(x, second)
        features = torch.cat([x[:, 0], (a - b).abs(), worst, mean, highest[:, None], average[:, None]], -1)
        hidden = self.dropout(functional.gelu(self.hidden(self.dropout(features))))
        return self.strict(hidden).squeeze(-1), self.loose(hidden).squeeze(-1), tags


def _mean(x: Tensor, where: Tensor) -> Tensor:
    weight = where[:, :, None].to(x.dtype)
    return (x * weight).sum(1) / weight.sum(1).clamp(min=1.0)


def base_encoder(folder: Path, words: nn.Embedding | None = None) -> Encoder:
    """The encoder with the origin's weights; ``folder`` holds its ``model.safetensors``."""
    raw = load_file(folder / "model.safetensors")
    if words is None:
        words = nn.Embedding.from_pretrained(raw["embeddings.word_embeddings.weight"], freeze=True)
    encoder = Encoder(words)
    state = {
        "positions.weight": raw["embeddings.position_embeddings.weight"],
        "types.weight": raw["embeddings.token_type_embeddings.weight"],
        "norm.weight": raw["embeddings.LayerNorm.weight"],
        "norm.bias": raw["embeddings.LayerNorm.bias"],
    }
    for n in range(LAYERS):
        source = f"encoder.layer.{n}."
        for kind in ("weight", "bias"):
            state[f"layers.{n}.qkv.{kind}"] = torch.cat(
                [raw[f"{source}attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
            )
            for ours, theirs in (
                ("out", "attention.output.dense"),
                ("norm1", "attention.output.LayerNorm"),
                ("up", "intermediate.dense"),
                ("down", "output.dense"),
                ("norm2", "output.LayerNorm"),
            ):
                state[f"layers.{n}.{ours}.{kind}"] = raw[f"{source}{theirs}.{kind}"]
    encoder.load_state_dict(state, strict=False)
    return encoder
