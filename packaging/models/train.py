"""Training the verifier, resumable: ``python train.py --stage 1`` (see README.md for the whole recipe).

The encoder starts from the embedder's weights. The loss adds up: binary cross-entropy of the strict head (and of the
loose head where the data are labelled loosely), a margin between a pair that is the same and its near-misses, and
the tags of conflicting words, known from the difference of the two texts. What is kept is a running average of the
weights, which is worth several seeds.
"""

import argparse
import difflib
import json
import math
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import data
import sampling
import torch
from measure import average_precision, recall_at
from model import Embedder, Verifier, base_encoder
from paths import BASE, BUILD, FAMILIES, PAIRS
from tokenizers import Encoding, Tokenizer
from torch import Tensor
from torch.nn import functional

BUDGET = 3072
"""Padded tokens in a batch."""
LONGEST = 128
WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(slots=True)
class Example:
    encoding: Encoding
    tags: list[float]
    """Per token: 1 where the texts conflict, 0 where not, -1 where nobody knows."""
    pair: data.Pair
    group: int
    margin: bool


def example(tokenizer: Tokenizer, pair: data.Pair, group: int, margin: bool) -> Example:
    encoding = tokenizer.encode(pair.a, pair.b)
    return Example(encoding, tags_of(pair, encoding), pair, group, margin)


def tags_of(pair: data.Pair, encoding: Encoding) -> list[float]:
    """Which tokens conflict: none in a pair that is the same, the edit in one that differs by little."""
    known = pair.strict is not None and (pair.strict > 0.9 or pair.strict < 0.1)
    if not known:
        return [-1.0] * len(encoding.ids)
    if pair.strict > 0.9:
        return [0.0] * len(encoding.ids)
    spans_a = [(m.start(), m.end(), m.group().lower()) for m in WORD.finditer(pair.a)]
    spans_b = [(m.start(), m.end(), m.group().lower()) for m in WORD.finditer(pair.b)]
    matcher = difflib.SequenceMatcher(None, [w for *_, w in spans_a], [w for *_, w in spans_b], autojunk=False)
    changed: tuple[set[int], set[int]] = (set(), set())
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        if kind != "equal":
            for spans, chars, x0, x1 in ((spans_a, changed[0], a0, a1), (spans_b, changed[1], b0, b1)):
                for start, end, _ in spans[x0:x1]:
                    chars.update(range(start, end))
    size = sum(e - s for s, e, _ in spans_a) + sum(e - s for s, e, _ in spans_b)
    if len(changed[0]) + len(changed[1]) > 0.4 * size:
        return [-1.0] * len(encoding.ids)
    return [
        1.0 if start < end and start in changed[side] else 0.0
        for (start, end), side in zip(encoding.offsets, encoding.type_ids, strict=True)
    ]


def batches(
    groups: Iterator[tuple[sampling.Group, bool]], tokenizer: Tokenizer, rng: random.Random
) -> Iterator[list[Example]]:
    """Groups of like length together, ``BUDGET`` padded tokens a batch."""
    number = 0
    while True:
        pool: list[list[Example]] = []
        for _ in range(600):
            group, margin = next(groups)
            number += 1
            made = [example(tokenizer, pair, number, margin) for pair in group]
            if max(len(item.encoding.ids) for item in made) <= LONGEST:
                pool.append(made)
        pool.sort(key=lambda made: max(len(item.encoding.ids) for item in made) + rng.random() * 6)
        cut: list[list[Example]] = [[]]
        for made in pool:
            longest = max(len(item.encoding.ids) for item in [*cut[-1], *made])
            if cut[-1] and longest * (len(cut[-1]) + len(made)) > BUDGET:
                cut.append([])
            cut[-1] += made
        rng.shuffle(cut)
        yield from cut


def tensors(examples: list[Example]) -> dict[str, Tensor]:
    length = max(len(item.encoding.ids) for item in examples)

    def padded(values: list[list[float]], fill: float, dtype: torch.dtype) -> Tensor:
        return torch.tensor([row + [fill] * (length - len(row)) for row in values], dtype=dtype)

    content = [
        [
            0 if special else kind + 1
            for kind, special in zip(e.encoding.type_ids, e.encoding.special_tokens_mask, strict=True)
        ]
        for e in examples
    ]
    return {
        "ids": padded([e.encoding.ids for e in examples], 0, torch.long),
        "types": padded([e.encoding.type_ids for e in examples], 0, torch.long),
        "mask": padded([e.encoding.attention_mask for e in examples], 0, torch.long),
        "content": padded(content, 0, torch.long),
        "tags": padded([e.tags for e in examples], -1, torch.float),
    }


def loss_of(verifier: Verifier, examples: list[Example]) -> Tensor:
    fed = tensors(examples)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        strict, loose, tags = verifier(fed["ids"], fed["types"], fed["mask"], fed["content"])
    strict, loose, tags = strict.float(), loose.float(), tags.float()
    weight = torch.tensor([e.pair.weight for e in examples])
    total = torch.zeros(())
    for head, labels in ((strict, [e.pair.strict for e in examples]), (loose, [e.pair.loose for e in examples])):
        known = torch.tensor([label is not None for label in labels])
        if known.any():
            wanted = torch.tensor([0.0 if label is None else label for label in labels]).clamp(0.015, 0.985)
            each = functional.binary_cross_entropy_with_logits(head, wanted, reduction="none") * weight
            total = total + (each * known).sum() / len(examples)
    group = torch.tensor([e.group if e.margin else -i - 1 for i, e in enumerate(examples)])
    same = torch.tensor([(e.pair.strict or 0) > 0.9 for e in examples])
    across = (group[:, None] == group[None, :]) & same[:, None] & ~same[None, :]
    if across.any():
        total = total + 0.3 * functional.softplus(2.0 - strict[:, None] + strict[None, :])[across].mean()
    tagged = (fed["tags"] >= 0) & (fed["content"] > 0)
    if tagged.any():
        wanted = fed["tags"][tagged]
        each = functional.binary_cross_entropy_with_logits(tags[tagged], wanted, reduction="none")
        total = total + 0.3 * (each * (1.0 + 2.0 * wanted)).mean()
    return total


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
            s, l, _ = verifier(fed["ids"], fed["types"], fed["mask"], fed["content"])
        for n, x, y in zip(chosen, s.float().tolist(), l.float().tolist(), strict=True):
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
    """For each text the nearest texts of other groups; those nearer than ``skip`` may be the same and are left out."""
    texts = [text for texts in groups for text in texts]
    owner = torch.tensor([n for n, texts in enumerate(groups) for _ in texts])
    name = (
        cache
        / f"neighbours-{len(texts)}-{data.hashlib.blake2b(chr(10).join(texts).encode(), digest_size=6).hexdigest()}.json"
    )
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


def main() -> None:
    args = _arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    tokenizer = load_tokenizer()
    out = BUILD / args.name
    out.mkdir(parents=True, exist_ok=True)
    sources, checks = _material(args, tokenizer)
    verifier = Verifier(base_encoder(BASE))
    if args.start:
        verifier.load_state_dict(torch.load(args.start)["verifier"])
    trained = [p for p in verifier.parameters() if p.requires_grad]
    head = [p for n, p in verifier.named_parameters() if p.requires_grad and not n.startswith("encoder.")]
    body = [p for n, p in verifier.named_parameters() if p.requires_grad and n.startswith("encoder.")]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": args.lr, "top": args.lr}, {"params": head, "lr": args.lr_head, "top": args.lr_head}],
        weight_decay=0.01,
        betas=(0.9, 0.98),
        fused=True,
    )
    average = [p.detach().clone() for p in trained]
    step, state = 0, out / "state.pt"
    if state.exists():
        saved = torch.load(state)
        verifier.load_state_dict(saved["verifier"])
        optimizer.load_state_dict(saved["optimizer"])
        average, step = saved["average"], saved["step"]
        rng.seed(args.seed + step)
    feed = batches(sampling.stream(sources, rng), tokenizer, rng)
    verifier.train()
    running, seen, began = 0.0, 0, time.time()
    while step < args.steps:
        warm = min(1.0, step / args.warm)
        decay = args.floor + (1 - args.floor) * 0.5 * (1 + math.cos(math.pi * step / args.steps))
        for param_group in optimizer.param_groups:
            param_group["lr"] = param_group["top"] * warm * decay
        batch = next(feed)
        loss = loss_of(verifier, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        keep = min(args.keep, step / (step + 10))
        torch._foreach_lerp_(average, [p.detach() for p in trained], 1 - keep)
        running, seen = running + loss.item(), seen + len(batch)
        if step % 50 == 0:
            print(f"{step} loss {running / 50:.4f} {seen / (time.time() - began):.0f} pairs/s", flush=True)
            running = 0.0
        if step % args.every == 0 or step == args.steps:
            torch.save(
                {
                    "verifier": verifier.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average,
                    "step": step,
                },
                state,
            )
            mine = [p.detach().clone() for p in trained]
            with torch.no_grad():
                for p, kept in zip(trained, average, strict=True):
                    p.copy_(kept)
                torch.save({"verifier": verifier.state_dict()}, out / "verifier.pt")
                for name, pairs in checks.items():
                    strict, loose = scores(verifier, tokenizer, pairs)
                    labels = [int((p.loose if name == "quora" else p.strict) > 0.5) for p in pairs]
                    print(
                        f"  {step} {name:14} n={len(pairs)} strict AP {average_precision(strict, labels):.3f} "
                        f"loose AP {average_precision(loose, labels):.3f} R@.9 {recall_at(strict, labels, 0.9):.3f} R@.95 {recall_at(strict, labels, 0.95):.3f} R@.97 {recall_at(strict, labels, 0.97):.3f}",
                        flush=True,
                    )
                for p, own in zip(trained, mine, strict=True):
                    p.copy_(own)


def load_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _material(
    args: argparse.Namespace, tokenizer: Tokenizer
) -> tuple[list[tuple[float, sampling.Source, bool]], dict[str, list[data.Pair]]]:
    rng = random.Random(11)
    families = data.read_families([FAMILIES, *map(Path, args.families)])
    trained = [f for f in families if data.split_of(f) == "train"]
    tested = [f for f in families if data.split_of(f) == "test"]
    print(len(families), "families", len(trained), "trained on", flush=True)
    near = neighbours_of([f.same[:2] for f in trained], tokenizer, BUILD, skip=0.88)
    bash = data.read_bash(PAIRS)
    near_bash = neighbours_of(bash, tokenizer, BUILD, skip=0.93)
    sql = data.read_sql(PAIRS)
    sources = [
        (args.w_families, sampling.family_source(trained, near), True),
        (args.w_bash, sampling.bash_source(bash, near_bash), True),
        (args.w_sql, sampling.pair_source([p for split, p in sql if split == "train"]), False),
        (args.w_other, sampling.pair_source(data.read_checklist(PAIRS) + data.read_mock(PAIRS)), False),
    ]
    checks: dict[str, list[data.Pair]] = {}
    for family in tested:
        name = family.source if family.source in ("sqlq", "swaps", "life") else "programming"
        checks.setdefault(name, []).extend(data.measured_pairs(family, rng))
    checks["text2sql"] = [p for split, p in sql if split == "test"]
    if not args.without_quora:
        quora = data.read_quora(PAIRS)
        trained_on = [p for p in quora if data.quora_split(p) == "train"]
        edits = data.read_entity_edits(PAIRS, 6000)
        sources += [
            (args.w_quora, sampling.pair_source(trained_on, swaps=0.25), False),
            (args.w_quora * 0.08, sampling.pair_source(edits, swaps=0.5), False),
        ]
        checks["quora"] = [p for p in quora if data.quora_split(p) == "test"][:600]
    mrpc = data.read_mrpc(PAIRS)
    sources.append((args.w_other, sampling.pair_source(mrpc, swaps=0.7), False))
    if args.mined:
        triples = [[data.Pair(**p) for p in group] for group in json.loads(Path(args.mined).read_text())]
        sources.append((args.w_mined, sampling.mined_source(triples), True))
    for pairs in checks.values():
        rng.shuffle(pairs)
    return sources, {name: pairs[:600] for name, pairs in checks.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--start", help="a verifier.pt to go on from")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--warm", type=int, default=200)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--lr-head", type=float, default=5e-4)
    parser.add_argument("--floor", type=float, default=0.1)
    parser.add_argument("--keep", type=float, default=0.998, help="of the running average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--families", nargs="*", default=[], help="more folders of families")
    parser.add_argument("--without-quora", action="store_true", help="leave the non-commercial texts out")
    parser.add_argument("--mined", help="groups that an earlier round got wrong")
    for name, weight in (
        ("families", 0.62),
        ("quora", 0.2),
        ("bash", 0.06),
        ("sql", 0.06),
        ("other", 0.03),
        ("mined", 0.2),
    ):
        parser.add_argument(f"--w-{name}", type=float, default=weight)
    return parser.parse_args()


if __name__ == "__main__":
    main()
