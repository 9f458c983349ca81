"""Nearness: which stored questions of a scope are nearest to an asked one, among any number, in about a millisecond.

What SQLite says is the truth; everything here is derived from it and may be lost at any time. `index` searches in
what `base`, `parts` and `delta` hold, `builder` and `loader` make those in the threads of the `keeper`, and `direct`
does without. Nothing here knows of entries or answers: vectors have an id, a scope, and the number of their entry.
"""
