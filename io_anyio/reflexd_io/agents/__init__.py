"""Setting agents up: how each is told to send its requests through Reflex, for one run or for good.

What is known of the agents is data, in `table`; `address` makes the URL they are given, `launch` what one run needs,
`setup` edits their configuration files and takes it back, and `files` knows the formats those are written in.
`rivals` knows what they heed more than that where they are started (`surroundings`); `checking`, whether it stands.
"""
