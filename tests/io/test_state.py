"""What the daemon says of itself to headers and icons."""

import time
from pathlib import Path

import httpcore2

from reflexd_io.control_client import BlockingClient, Place, calls
from support.chat import answer
from support.daemon import daemon, settings_for
from support.upstream import ScriptedUpstream
from support.wire import KEY


def test_the_state_says_what_happened_and_who_is_there(tmp_path: Path) -> None:
    with ScriptedUpstream().running() as upstream:
        upstream.script = answer
        with daemon(settings_for(tmp_path / "store", upstream.url)) as running, httpcore2.ConnectionPool() as pool:
            client = BlockingClient(Place(running.url, running.admin_token))
            empty = client.do(calls.state())
            assert (empty.connections, empty.agents, empty.hit_rate, empty.today_hit_rate) == (0, [], None, None)
            assert (empty.active_tenant, empty.caching, empty.mode, empty.url) == (
                "default",
                True,
                "normal",
                running.url,
            )
            assert empty.started <= time.time()
            for _ in range(2):
                pool.request(
                    "POST",
                    f"{running.url}/v1/chat/completions",
                    headers={"Authorization": f"Bearer {KEY}", "User-Agent": "Aider/0.86"},
                    content=b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}',
                )
            busy = client.do(calls.state())
            assert (busy.connections, busy.hit_rate, busy.today_hit_rate) == (1, 0.5, 0.5)
            assert busy.today_saved_tokens > 0
