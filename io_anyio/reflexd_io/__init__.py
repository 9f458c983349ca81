"""The hands of Reflex: sockets, disk, keyring and providers, all of it on anyio.

What is to be done is decided in `reflexd_core`; here it is performed.
"""
