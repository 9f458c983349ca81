"""Nearness: which stored questions of a scope are nearest to an asked one, among any number, in about a millisecond.

What SQLite says is the truth; everything here is derived from it and may be lost at any time.
"""
