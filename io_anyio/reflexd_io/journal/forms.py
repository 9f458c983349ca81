"""Which exchanges' canonical forms are kept, and how one is made; in the writer's thread, since it takes a while."""

from collections.abc import Callable

from reflexd_core.canonical import Uncomparable
from reflexd_core.commands import Status
from reflexd_core.keys import covered
from reflexd_core.parts import Part, split_request
from reflexd_core.policy import KeepRequest
from reflexd_io.asked import read_again
from reflexd_io.call import Call
from reflexd_io.exchange import Exchange
from reflexd_io.store import Store
from reflexd_io.store.forms import Form


def keep_form(store: Store, exchange: Exchange, name: str, outcome: str) -> None:
    """After an exchange is over. ``outcome``: how it ended, as the machine says.

    Nothing is kept of a request that has a form already, nor where nothing of it may be stored, nor where its tenant
    does not keep whole requests.
    """
    call = exchange.call
    is_new = call.ask.key is not None and exchange.status is not Status.HIT_L1 and not exchange.joined
    if is_new and call.ask.stores and call.policy.keep_request is KeepRequest.FULL:
        make = _maker(call, name, exchange.arrived, outcome)
        store.keep_form(call.route.tenant, make, sum(map(len, call.pieces)))


def _maker(call: Call, name: str, at: float, outcome: str) -> Callable[[], tuple[Form, list[Part]] | None]:
    def make() -> tuple[Form, list[Part]] | None:
        read = read_again(call)
        key = call.ask.key
        if read is None or key is None:
            return None
        try:
            parts = split_request(read[1].keyed)
        except Uncomparable:
            return None
        form = Form(
            exchange=name,
            key=key,
            at=at,
            dialect=call.dialect.name,
            client=call.about.client,
            outcome=outcome,
            rules=read[1].rules,
            covered=covered(
                upstream=call.route.upstream.identity,
                path=call.target.path,
                query=call.target.query,
                headers=call.request.named,
            ),
            parts=tuple((part.name, part.hash) for part in parts),
        )
        return form, parts

    return make
