"""A client's token, issued before the daemon starts."""

import os
from time import time

from reflexd_io.settings import Settings
from reflexd_io.tenants import changes
from reflexd_io.tenants.document import load, save


def issued(settings: Settings, tenant: str = "default") -> str:
    """A token of the tenant, kept in the storage folder's registry."""
    settings.storage_path.mkdir(mode=0o700, exist_ok=True)
    document = changes.with_configured(load(settings.storage_path), settings, ())
    document, token = changes.issue(
        document, changes.id_of(document, tenant), secret=os.urandom(32), name="", expires_in=None, now=time()
    )
    save(settings.storage_path, document)
    return token
