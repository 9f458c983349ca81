"""The catalogue: what people do with stored entries, over all tenants' files and the running daemon's memory.

Each file here is one activity: `browsing`, `changing`, `purging`, `moving` (export and import). They share `Shelves`,
which is what they need of the daemon.
"""
