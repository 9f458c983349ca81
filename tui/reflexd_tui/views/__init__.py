"""The four views: what happens, what is stored, whose it is, what it brought."""
