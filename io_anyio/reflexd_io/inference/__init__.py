"""Inference: the models that turn a question into a vector and say whether one answer serves two questions.

`ports` is what the rest of Reflex knows of them; `service` runs them beside the event loop; `choose` decides once, at
start, which backend does. The default models lie in `weights/`, made by ``packaging/models/export.py``.
"""
