"""What the TUI knows without a terminal: filters, rows, columns, words. No Textual, no clock."""
