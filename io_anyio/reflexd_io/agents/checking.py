"""Whether an agent that was set up still goes through Reflex: what was written stands, and nothing outranks it."""

from collections.abc import Iterator
from pathlib import Path

from reflexd_io.agents import files
from reflexd_io.agents.rivals import outranking
from reflexd_io.agents.setup import Note, note_file, read_note
from reflexd_io.agents.surroundings import Surroundings, content_of
from reflexd_io.agents.table import Agent, File


def troubles(agent: Agent, notes: Path, at: Surroundings) -> list[str] | None:
    """What leads it past Reflex; None where it was not set up. Raises `OSError`."""
    noted = [
        (file, note)
        for place, file in enumerate(agent.files)
        if (note := read_note(note_file(notes, agent.name, place))) is not None
    ]
    if not noted:
        return None
    return [*(said for file, note in noted for said in _lost(file, note, agent, at)), *outranking(agent, at)]


def _lost(file: File, note: Note, agent: Agent, at: Surroundings) -> Iterator[str]:
    content = content_of(Path(note.file), file.format)
    again = f"`reflexd setup {agent.name}` writes it again"
    for change in note.changes:
        found = files.found(content, tuple(change.path))
        name = ".".join(map(str, change.path))
        stands = isinstance(found, list) and change.value in found if change.item else found == change.value
        url = change.value.partition("=")[2] if change.item else change.value
        if not stands:
            yield f"{note.file}: {name} is not what Reflex wrote there any more; {again}"
        elif "://" in url and not at.address.is_here(url):
            yield f"{note.file}: {name} is {url}, and Reflex is at {at.address.url}; {again}"
