"""Scoring with PyTorch: logits of pairs, vectors of texts, and which texts look alike."""

import hashlib
import json
from pathlib import Path

import data
import torch
from examples import Example, tensors
from model import Embedder, Verifier, base_encoder
from paths import BASE
from tokenizers import Tokenizer
from torch import Tensor


@torch.inference_mode()
def scores(verifier: Verifier, tokenizer: Tokenizer, pairs: list[data.Pair]) -> tuple[list[float], list[float]]:
    """Strict and loose logits of the pairs, in order."""
    verifier.eval()
    made = [Example(tokenizer.encode(p.a, p.b), [], p, 0, margin=False) for p in pairs]
    order = sorted(range(len(made)), key=lambda n: len(made[n].encoding.ids))
    strict, loose = [0.0] * len(made), [0.0] * len(made)
    for start in range(0, len(order), 64):
        chosen = order[start : start + 64]
        fed = tensors([made[n] for n in chosen])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            strict_part, loose_part, _ = verifier(fed["ids"], fed["types"], fed["mask"], fed["content"])
        for n, x, y in zip(chosen, strict_part.float().tolist(), loose_part.float().tolist(), strict=True):
            strict[n], loose[n] = x, y
    verifier.train()
    return strict, loose


@torch.inference_mode()
def embeddings(texts: list[str], tokenizer: Tokenizer) -> Tensor:
    """Base vectors of the texts, in order; (n, 384)."""
    embedder = Embedder(base_encoder(BASE)).eval()
    coded = tokenizer.encode_batch(texts)
    order = sorted(range(len(texts)), key=lambda n: len(coded[n].ids))
    found = torch.zeros(len(texts), 384)
    for start in range(0, len(order), 128):
        chosen = order[start : start + 128]
        length = min(128, max(len(coded[n].ids) for n in chosen))
        ids = torch.tensor([(coded[n].ids + [0] * length)[:length] for n in chosen])
        mask = torch.tensor([(coded[n].attention_mask + [0] * length)[:length] for n in chosen])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found[chosen] = embedder(ids, mask).float()
    return found


def neighbours_of(groups: list[list[str]], tokenizer: Tokenizer, cache: Path, *, skip: float) -> dict[str, list[str]]:
    """For each text the nearest of other groups; those nearer than ``skip`` may be the same and are left out."""
    texts = [text for texts in groups for text in texts]
    owner = torch.tensor([n for n, texts in enumerate(groups) for _ in texts])
    known_by = hashlib.blake2b("\n".join(texts).encode(), digest_size=6).hexdigest()
    name = cache / f"neighbours-{len(texts)}-{known_by}.json"
    if name.exists():
        return json.loads(name.read_text())
    vectors = embeddings(texts, tokenizer)
    found: dict[str, list[str]] = {}
    for start in range(0, len(texts), 512):
        near = vectors[start : start + 512] @ vectors.T
        near[owner[start : start + 512, None] == owner[None, :]] = -1
        near[near > skip] = -1
        for n, row in enumerate(near.topk(6).indices.tolist()):
            found[texts[start + n]] = [texts[i] for i in row]
    name.write_text(json.dumps(found))
    return found
