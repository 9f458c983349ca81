"""Parts of views: a list that draws only what is seen, the header, dialogs."""
