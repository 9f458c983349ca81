"""Tenants at run time: the registry, what may be changed in it, and what it makes of settings and of the clock."""
