"""The mind of Reflex: what to do with a request, and never how.

Everything here is a pure function or an immutable value (the few accumulators, such as the SSE reader, hold
nothing but what was fed to them). No module of this package opens a socket or a file, reads a clock, draws a
random number, starts a thread, awaits or logs: times and ids are arguments. ``reflexd_io`` does those things.
"""

__version__ = "0.1.0"
