"""Training the verifier, resumable (README.md has the whole recipe).

The encoder starts from the embedder's weights. The loss adds up: binary cross-entropy of the strict head (and of the
loose head where the data are labelled loosely), a margin between a pair that is the same and its near-misses, and
the tags of conflicting words, known from the difference of the two texts. What is kept is a running average of the
weights, which is worth several seeds.
"""

import argparse
import math
import random
import time
from pathlib import Path

import sampling
import torch
from examples import Example, batches, load_tokenizer, tensors
from material import Material, Mixture, gather
from measure import average_precision, recall_at
from model import Verifier, base_encoder
from paths import BASE, BUILD
from scoring import scores
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

MARGIN = 2.0
"""Logits between a pair that is the same and a near-miss of it."""
CONFIDENT = (0.015, 0.985)
"""Labels are never surer than this: people err too."""


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
            wanted = torch.tensor([0.0 if label is None else label for label in labels]).clamp(*CONFIDENT)
            each = functional.binary_cross_entropy_with_logits(head, wanted, reduction="none") * weight
            total = total + (each * known).sum() / len(examples)
    group = torch.tensor([e.group if e.margin else -i - 1 for i, e in enumerate(examples)])
    same = torch.tensor([(e.pair.strict or 0) > 0.9 for e in examples])
    across = (group[:, None] == group[None, :]) & same[:, None] & ~same[None, :]
    if across.any():
        total = total + 0.3 * functional.softplus(MARGIN - strict[:, None] + strict[None, :])[across].mean()
    tagged = (fed["tags"] >= 0) & (fed["content"] > 0)
    if tagged.any():
        wanted = fed["tags"][tagged]
        each = functional.binary_cross_entropy_with_logits(tags[tagged], wanted, reduction="none")
        total = total + 0.3 * (each * (1.0 + 2.0 * wanted)).mean()
    return total


class Run:
    """A run of training: weights, their running average, the optimizer, and where it stands."""

    def __init__(self, args: argparse.Namespace, out: Path) -> None:
        self.args = args
        self.out = out
        self.step = 0
        self.verifier = Verifier(base_encoder(BASE))
        if args.start:
            self.verifier.load_state_dict(torch.load(args.start)["verifier"])
        named = [(name, p) for name, p in self.verifier.named_parameters() if p.requires_grad]
        self.trained = [p for _, p in named]
        body = [p for name, p in named if name.startswith("encoder.")]
        head = [p for name, p in named if not name.startswith("encoder.")]
        groups = [
            {"params": body, "lr": args.lr, "top": args.lr},
            {"params": head, "lr": args.lr_head, "top": args.lr_head},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98), fused=True)
        self.average = [p.detach().clone() for p in self.trained]
        if (out / "state.pt").exists():
            self._resume()

    def _resume(self) -> None:
        saved = torch.load(self.out / "state.pt")
        self.verifier.load_state_dict(saved["verifier"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.average, self.step = saved["average"], saved["step"]

    def take(self, batch: list[Example]) -> float:
        """One step; gives the loss."""
        args = self.args
        warm = min(1.0, self.step / args.warm)
        decay = args.floor + (1 - args.floor) * 0.5 * (1 + math.cos(math.pi * self.step / args.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = group["top"] * warm * decay
        loss = loss_of(self.verifier, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        keep = min(args.keep, self.step / (self.step + 10))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.trained], 1 - keep)
        return loss.item()

    def save(self, tokenizer: Tokenizer, material: Material) -> None:
        """Write the state and the averaged verifier, and print how the average does."""
        state = {"verifier": self.verifier.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save({**state, "average": self.average, "step": self.step}, self.out / "state.pt")
        own = [p.detach().clone() for p in self.trained]
        with torch.no_grad():
            _copy(self.average, self.trained)
            torch.save({"verifier": self.verifier.state_dict()}, self.out / "verifier.pt")
            for name, pairs in material.watched.items():
                strict, _ = scores(self.verifier, tokenizer, pairs)
                labels = [int((pair.strict or 0) > 0.5) for pair in pairs]
                recalls = " ".join(f"R@{p} {recall_at(strict, labels, p):.3f}" for p in (0.9, 0.95, 0.97))
                print(
                    f"  {self.step} {name:20} {len(pairs)} AP {average_precision(strict, labels):.3f} {recalls}",
                    flush=True,
                )
            _copy(own, self.trained)


def _copy(source: list[Tensor], target: list[torch.nn.Parameter]) -> None:
    for p, value in zip(target, source, strict=True):
        p.copy_(value)


def main() -> None:
    args = _arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = load_tokenizer()
    out = BUILD / args.name
    out.mkdir(parents=True, exist_ok=True)
    material = gather(
        tokenizer,
        Mixture(),
        without_quora=args.without_quora,
        mined=args.mined,
        without_kinds=frozenset(filter(None, args.without_kinds.split(","))),
        without_lexicons=frozenset(filter(None, args.without_lexicons.split(","))),
        without_templates=args.without_templates,
    )
    run = Run(args, out)
    rng = random.Random(args.seed + run.step)
    feed = batches(sampling.stream(material.sources, rng), tokenizer, rng)
    run.verifier.train()
    loss, seen, began = 0.0, 0, time.monotonic()
    while run.step < args.steps:
        batch = next(feed)
        loss, seen = loss + run.take(batch), seen + len(batch)
        if run.step % 50 == 0:
            print(f"{run.step} loss {loss / 50:.4f} {seen / (time.monotonic() - began):.0f} pairs/s", flush=True)
            loss = 0.0
        if run.step % args.every == 0 or run.step == args.steps:
            run.save(tokenizer, material)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="folder of the run, below the build folder")
    parser.add_argument("--start", help="a verifier.pt to go on from")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--every", type=int, default=500, help="steps between checkpoints")
    parser.add_argument("--warm", type=int, default=200)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--lr-head", type=float, default=5e-4)
    parser.add_argument("--floor", type=float, default=0.1, help="share of the learning rate that is left at the end")
    parser.add_argument("--keep", type=float, default=0.998, help="of the running average")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without-quora", action="store_true", help="leave the non-commercial texts out")
    parser.add_argument("--without-kinds", default="", help="kinds of near-misses that are left out: negation,value")
    parser.add_argument("--without-lexicons", default="", help="whose names are never seen: database,shell")
    parser.add_argument("--without-templates", action="store_true", help="leave families with slots out")
    parser.add_argument("--mined", type=Path, help="groups that an earlier round got wrong (see mine.py)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
