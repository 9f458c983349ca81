"""The judgement by meaning, as far as it needs no model: what two questions must share before a score is asked for,
and which questions are never compared at all. Pure functions over text; every one is linear in its length."""
