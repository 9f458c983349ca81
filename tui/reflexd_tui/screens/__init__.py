"""Screens over the views: one exchange, one entry, the trash, help."""
