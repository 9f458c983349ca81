"""Credentials: whose request it is, whose key goes where, and that a key goes nowhere else."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.credentials import (
    Route,
    Unroutable,
    Whose,
    anonymous_tenant,
    credentials_of,
    is_placeholder,
    keys_in_query,
    rotates,
    route,
)
from reflexd_core.routing import PRESETS, Kind, Target, Upstream, read_target
from reflexd_core.tenancy import Tenancy, Tenant, Token
from reflexd_core.tokens import digest_of, make_token

SALT = bytes(32)
OWN_KEY = "sk-proj-0123456789abcdef"
OTHER_KEY = "0123456789abcdef0123456789abcdef"
ANTHROPIC_KEY = "sk-ant-api03-0123456789"


def tenancy(active: str, *others: str, **more: Any) -> Tenancy:
    tenants = {name: Tenant(id=name, name=name) for name in (active, *others)}
    return Tenancy(active=tenants[active], by_name=tenants, **more)


def routed(
    *,
    tenant: str | None = None,
    upstream: str | None = None,
    headers: dict[str, str] | None = None,
    query: str = "",
    path: str = "/chat/completions",
    **changed: Any,
) -> Route | Unroutable:
    settings: dict[str, Any] = {
        "upstreams": PRESETS,
        "default_upstream": "openai",
        "tenancy": tenancy("default", "acme"),
        "salt": SALT,
        "now": 0.0,
        **changed,
    }
    target = Target(kind=Kind.CACHED, path=path, query=query, tenant=tenant, upstream=upstream)
    return route(target=target, headers=headers or {}, **settings)


def headed(path: str, headers: dict[str, str], **changed: Any) -> Route | Unroutable:
    """The route of a request to this path."""
    found = {"upstreams": PRESETS, "default_upstream": "openai", "tenancy": tenancy("default"), "now": 0.0}
    return route(target=read_target("POST", path), headers=headers, salt=SALT, **{**found, **changed})


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def to(tenant: str, upstream: str, whose: Whose) -> Route:
    return Route(tenant=tenant, upstream=PRESETS[upstream], whose=whose)


@pytest.mark.parametrize(
    ("headers", "credential"),
    [
        ({}, {}),
        ({"authorization": "Bearer k"}, {"authorization": "k"}),
        ({"authorization": "bEaReR   k "}, {"authorization": "k"}),
        ({"authorization": "Bearer"}, {}),
        ({"authorization": "Bearer "}, {}),
        ({"authorization": "Basic dTpw"}, {"authorization": "Basic dTpw"}),
        ({"authorization": "k"}, {"authorization": "k"}),
        ({"x-api-key": " k "}, {"x-api-key": "k"}),
        ({"api-key": "k"}, {"api-key": "k"}),
        ({"x-goog-api-key": "k"}, {"x-goog-api-key": "k"}),
        ({"authorization": "Basic a", "x-api-key": "", "api-key": "k"}, {"authorization": "Basic a", "api-key": "k"}),
        ({"authorization": "Bearer a", "x-api-key": "b"}, {"authorization": "a", "x-api-key": "b"}),
        ({"cookie": "k"}, {}),
    ],
)
def test_the_clients_secrets_are_found_where_sdks_put_them(
    headers: dict[str, str], credential: dict[str, str]
) -> None:
    assert credentials_of(headers) == credential


def test_a_real_key_counts_before_a_placeholder_and_the_placeholder_stays_here() -> None:
    found = routed(headers={**bearer("reflex"), "x-api-key": ANTHROPIC_KEY})
    tenant = anonymous_tenant(ANTHROPIC_KEY, SALT)
    assert found == replace(to(tenant, "anthropic", Whose.CLIENT), withheld=frozenset({"authorization"}))


def test_a_key_never_goes_where_another_key_led() -> None:
    found = routed(headers={**bearer(OWN_KEY), "x-api-key": ANTHROPIC_KEY, "api-key": OWN_KEY})
    expected = replace(to(anonymous_tenant(OWN_KEY, SALT), "openai", Whose.CLIENT), withheld=frozenset({"x-api-key"}))
    assert found == expected


@pytest.mark.parametrize(
    ("path", "headers", "upstream"),
    [
        ("/v1/messages", {}, "anthropic"),
        ("/v1/messages", bearer("reflex"), "anthropic"),
        ("/v1/messages", {"x-api-key": OTHER_KEY}, "anthropic"),
        ("/v1/messages/count_tokens?beta=true", {}, "anthropic"),
        ("/v1/messages/batches", {}, "anthropic"),
        ("/v1/messages", bearer("sk-or-0123456789"), "openrouter"),
        ("/u/lmstudio/v1/messages", {}, "lmstudio"),
        ("/v1/models", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1/models", {}, "openai"),
        ("/v1/chat/completions", {"anthropic-version": "2023-06-01"}, "openai"),
        ("/v1/responses", {}, "openai"),
        ("/v1beta/models/m:generateContent", {"x-goog-api-key": "AIza0123456789"}, "gemini"),
        ("/v1beta/models/m:generateContent?key=AIza0123456789", {}, "gemini"),
        ("/api/chat", {}, "ollama"),
        ("/api/v1/chat/completions", {}, "openrouter"),
        ("/openai/v1/chat/completions", bearer("gsk_0123456789"), "groq"),
    ],
)
def test_a_dialect_is_at_home_with_one_provider(path: str, headers: dict[str, str], upstream: str) -> None:
    found = headed(path, headers)
    assert isinstance(found, Route)
    assert found.upstream == PRESETS[upstream]


def test_azure_has_no_address_of_its_own() -> None:
    found = headed("/openai/v1/chat/completions", {"api-key": OTHER_KEY})
    assert isinstance(found, Unroutable)
    assert "[upstreams.azure]" in found.message


def test_a_home_that_was_taken_away_is_not_replaced_by_another() -> None:
    others = {name: upstream for name, upstream in PRESETS.items() if name != "anthropic"}
    found = headed("/v1/messages", {"x-api-key": OTHER_KEY}, upstreams=others)
    assert isinstance(found, Unroutable)
    assert (found.code, "[upstreams.anthropic]" in found.message) == ("unknown_upstream", True)


@pytest.mark.parametrize("credential", ["reflex", "ollama", "EMPTY", "lm-studio", "x" * 19, "sk-0123456789"])
def test_what_is_short_and_nobodys_is_a_placeholder(credential: str | None) -> None:
    assert is_placeholder(credential, PRESETS.values())


@pytest.mark.parametrize("credential", ["x" * 20, OWN_KEY, "gsk_1", "sk-ant-1", "xai-1", "AIza1"])
def test_what_is_long_or_begins_like_a_providers_key_is_a_key(credential: str) -> None:
    assert not is_placeholder(credential, PRESETS.values())


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        ("sk-ant-oat01-x", True),
        ("eyJh.eyJz.c2ln", True),
        ("eyJh.eyJz", False),
        ("ya29.a0", True),
        ("sk-ant-api03-x", False),
        ("a.b.c", False),
    ],
)
def test_oauth_and_jwt_credentials_rotate(credential: str, expected: bool) -> None:
    assert rotates(credential) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, to("default", "openai", Whose.STORED), id="no key"),
        pytest.param(bearer("reflex"), to("default", "openai", Whose.STORED), id="placeholder"),
        pytest.param(bearer(OWN_KEY), to(anonymous_tenant(OWN_KEY, SALT), "openai", Whose.CLIENT), id="own key"),
        pytest.param(
            bearer(OTHER_KEY),
            to(anonymous_tenant(OTHER_KEY, SALT), "openai", Whose.CLIENT),
            id="key without a prefix",
        ),
        pytest.param(
            {"x-api-key": ANTHROPIC_KEY},
            to(anonymous_tenant(ANTHROPIC_KEY, SALT), "anthropic", Whose.CLIENT),
            id="key of another provider",
        ),
        pytest.param(
            {"authorization": "Basic dTpw"},
            to(anonymous_tenant("Basic dTpw", SALT), "openai", Whose.CLIENT),
            id="another scheme",
        ),
        pytest.param(
            {"authorization": "Negotiate"},
            to(anonymous_tenant("Negotiate", SALT), "openai", Whose.CLIENT),
            id="a scheme alone",
        ),
        pytest.param(bearer("ya29.a0123456789abcdef"), to("default", "openai", Whose.CLIENT), id="Google OAuth"),
        pytest.param(bearer("sk-ant-oat01-x"), to("default", "anthropic", Whose.CLIENT), id="OAuth"),
        pytest.param(bearer("eyJh.eyJz.c2lnbmF0dXJl"), to("default", "openai", Whose.CLIENT), id="JWT"),
    ],
)
def test_a_key_decides_the_tenant_and_where_it_goes(headers: dict[str, str], expected: Route) -> None:
    assert routed(headers=headers) == expected


def test_another_scheme_is_passed_on_and_a_placeholder_beside_it_is_not() -> None:
    found = routed(headers={"authorization": "Basic dTpw", "x-api-key": "reflex"})
    expected = to(anonymous_tenant("Basic dTpw", SALT), "openai", Whose.CLIENT)
    assert found == replace(expected, withheld=frozenset({"x-api-key"}))


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("key=a", ["a"]),
        ("x=1&key=a%2Fb&key=c", ["a/b", "c"]),
        ("k%65y=a", ["a"]),
        ("key=", []),
        ("monkey=a", []),
        ("", []),
    ],
)
def test_a_key_may_stand_in_the_query(query: str, key: list[str]) -> None:
    assert keys_in_query(query) == key


def test_a_key_in_the_query_is_the_clients_own_and_leads_where_it_belongs() -> None:
    expected = to(anonymous_tenant("AIza1", SALT), "gemini", Whose.CLIENT)
    assert routed(query="alt=sse&key=AIza1") == expected
    found = routed(query="key=AIza1", headers=bearer("reflex"))
    assert found == replace(expected, withheld=frozenset({"authorization"}))
    assert routed(query="key=mine") == to(anonymous_tenant("mine", SALT), "openai", Whose.CLIENT)


def test_a_key_in_the_query_never_goes_where_another_key_led() -> None:
    refused = routed(query="key=AIza1", headers=bearer(OWN_KEY))
    assert isinstance(refused, Unroutable)
    assert refused.code == "contradicting_keys"
    assert "AIza1" not in refused.message
    for query in ("key=mine&key=AIza1", "key=mine&k%65y=AIza1", "key=AIza1&key=gsk_1"):
        refused = routed(query=query)
        assert isinstance(refused, Unroutable), query
        assert refused.code == "contradicting_keys"
    own = to(anonymous_tenant(OWN_KEY, SALT), "openai", Whose.CLIENT)
    assert routed(query="key=page-two", headers=bearer(OWN_KEY)) == own
    assert routed(upstream="openai", query="key=AIza1", headers=bearer(OWN_KEY)) == own


def test_path_and_header_name_the_tenant_before_any_key() -> None:
    expected = to("acme", "openai", Whose.CLIENT)
    assert routed(tenant="acme", headers=bearer(OWN_KEY)) == expected
    assert routed(headers={**bearer(OWN_KEY), "x-reflex-tenant": " acme "}) == expected
    assert routed(tenant="acme", headers={**bearer(OWN_KEY), "x-reflex-tenant": "acme"}) == expected
    assert routed(headers={"x-reflex-tenant": " "}) == to("default", "openai", Whose.STORED)


def test_path_names_the_upstream_before_any_key() -> None:
    assert routed(upstream="groq") == to("default", "groq", Whose.STORED)
    assert routed(upstream="openrouter", headers=bearer(OWN_KEY)) == to(
        anonymous_tenant(OWN_KEY, SALT), "openrouter", Whose.CLIENT
    )


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ({"upstream": "nope"}, "unknown_upstream", ["'nope'", "anthropic, deepseek", "config.toml"]),
        ({"tenant": "nope"}, "unknown_tenant", ["'nope'", "[tenants.nope]", "config.toml"]),
        ({"headers": {"x-reflex-tenant": "nope"}}, "unknown_tenant", ["'nope'"]),
        (
            {"tenant": "acme", "headers": {"x-reflex-tenant": "default"}},
            "contradicting_tenants",
            ["'acme'", "'default'"],
        ),
    ],
)
def test_what_cannot_be_routed_is_told_with_the_way_to_mend_it(
    asked: dict[str, Any], code: str, words: list[str]
) -> None:
    refused = routed(**asked)
    assert isinstance(refused, Unroutable)
    assert refused.code == code
    assert [word for word in words if word not in refused.message] == []


def test_the_longest_prefix_owns_a_key() -> None:
    ours = Upstream(name="ours", base_url="https://x/v1", key_env="X", key_prefixes=("sk-proj-01",))
    found = routed(headers=bearer(OWN_KEY), upstreams={**PRESETS, "ours": ours})
    assert isinstance(found, Route)
    assert found.upstream is ours


@given(st.sampled_from(sorted(PRESETS)), st.data(), st.text("abc123-_", min_size=12))
def test_a_key_never_goes_to_a_provider_that_it_does_not_belong_to(name: str, data: st.DataObject, tail: str) -> None:
    prefixes = PRESETS[name].key_prefixes
    key = (data.draw(st.sampled_from(prefixes)) if prefixes else "") + tail
    found = routed(headers=bearer(key))
    assert isinstance(found, Route)
    if found.whose is Whose.CLIENT:
        belongs = any(key.startswith(prefix) for prefix in found.upstream.key_prefixes)
        assert belongs or found.upstream.name == "openai"
        assert not prefixes or found.upstream.name == name


@given(st.text(min_size=20), st.text(min_size=20), st.binary(min_size=32, max_size=32))
def test_every_key_has_an_anonymous_tenant_of_its_own_that_does_not_betray_it(
    one: str, other: str, salt: bytes
) -> None:
    tenant = anonymous_tenant(one, salt)
    assert (tenant == anonymous_tenant(other, salt)) is (one == other)
    assert tenant.startswith("anon-")
    assert len(tenant) == len("anon-") + 32
    assert one not in tenant
    assert salt == SALT or tenant != anonymous_tenant(one, SALT)


def test_of_two_keys_the_one_counts_that_counts_at_the_provider() -> None:
    both = {**bearer("sk-ant-oat01-0123456789abcdef"), "x-api-key": ANTHROPIC_KEY}
    found = headed("/v1/messages", both)
    assert isinstance(found, Route)
    assert (found.upstream.name, found.tenant) == ("anthropic", anonymous_tenant(ANTHROPIC_KEY, SALT))
    assert found.withheld == frozenset({"authorization"})
    assert headed("/v1/messages", {**bearer(ANTHROPIC_KEY), "x-api-key": ANTHROPIC_KEY}) == replace(
        found, withheld=frozenset()
    )


TOKEN, OTHER_TOKEN = make_token(bytes(32)), make_token(b"\1" * 32)
IN_QUERY = (
    f"key={TOKEN}",
    f"k%65y={TOKEN}",
    f"key=%72fx_{TOKEN[4:]}",
    f"key=AIza1&key={TOKEN}",
    f"key=page-two&api-key={TOKEN}",
    f"a=1;key={TOKEN}",
    f"a=1#key:{TOKEN}",
    f"{TOKEN}",
    f"{TOKEN}=",
    f"authorization=Bearer+{TOKEN}",
)
"""A token of ours in a query, which is passed on as it came."""
ACME, BETA = Tenant(id="acme.2", name="acme"), Tenant(id="beta", name="beta")


def with_tokens(**given: Any) -> Tenancy:
    """``acme`` has a token, and ``beta`` the other."""
    tokens = {
        digest_of(TOKEN): Token(id="t1", tenant=ACME, **given),
        digest_of(OTHER_TOKEN): Token(id="t2", tenant=BETA),
    }
    default = Tenant(id="default", name="default")
    return Tenancy(active=default, by_name={"default": default, "acme": ACME, "beta": BETA}, tokens=tokens)


@pytest.mark.parametrize(
    ("headers", "whose", "withheld"),
    [
        (bearer(TOKEN), Whose.STORED, {"authorization"}),
        ({"authorization": TOKEN}, Whose.STORED, {"authorization"}),
        ({"x-api-key": TOKEN}, Whose.STORED, {"x-api-key"}),
        ({"x-reflex-token": TOKEN}, Whose.STORED, set()),
        ({**bearer("reflex"), "api-key": TOKEN}, Whose.STORED, {"api-key"}),
        ({**bearer(OWN_KEY), "x-goog-api-key": TOKEN}, Whose.CLIENT, {"x-goog-api-key"}),
        ({**bearer(OWN_KEY), "x-reflex-token": TOKEN}, Whose.CLIENT, set()),
        (
            {**bearer(TOKEN), "x-api-key": TOKEN, "x-reflex-tenant": "acme"},
            Whose.STORED,
            {"authorization", "x-api-key"},
        ),
    ],
)
def test_a_token_decides_the_tenant_before_all_else_and_stays_here(
    headers: dict[str, str], whose: Whose, withheld: set[str]
) -> None:
    found = routed(headers=headers, tenancy=with_tokens())
    assert found == Route(
        tenant="acme.2", upstream=PRESETS["openai"], whose=whose, withheld=frozenset(withheld), token="t1"
    )


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"headers": bearer(TOKEN[:-1])}, "unknown_token"),
        ({"headers": bearer("rfx_")}, "unknown_token"),
        ({"headers": {"x-reflex-token": "reflex"}}, "unknown_token"),
        ({"headers": bearer(make_token(b"\2" * 32))}, "unknown_token"),
        ({"headers": bearer(f"{OWN_KEY}, Bearer {TOKEN}")}, "unknown_token"),
        ({"headers": bearer(TOKEN), "tenancy": with_tokens(expires=99.0), "now": 99.0}, "expired_token"),
        ({"headers": {**bearer(TOKEN), "x-api-key": OTHER_TOKEN}}, "contradicting_tokens"),
        ({"headers": bearer(TOKEN), "tenant": "beta"}, "contradicting_tenants"),
        ({"headers": {**bearer(TOKEN), "x-reflex-tenant": "nobody"}}, "contradicting_tenants"),
        *(({"headers": {}, "query": query}, "token_in_query") for query in IN_QUERY),
        ({"headers": bearer(TOKEN), "path": f"/models/{TOKEN}"}, "token_in_query"),
        ({"headers": bearer(TOKEN), "path": f"/models/%72fx_{TOKEN[4:]}"}, "token_in_query"),
        ({"headers": {"x-reflex-tenant": "acme"}, "on_loopback": False}, "token_required"),
        ({"headers": {}, "tenant": "acme", "on_loopback": False}, "token_required"),
    ],
)
def test_a_token_that_is_no_good_is_refused_without_being_repeated(asked: dict[str, Any], code: str) -> None:
    refused = routed(**{"tenancy": with_tokens(), **asked})
    assert isinstance(refused, Unroutable)
    assert refused.code == code
    assert "rfx_" not in refused.message.replace("rfx_…", "")


def test_a_revoked_token_is_told_from_an_unknown_one() -> None:
    tokens = {digest_of(TOKEN): Token(id="t1", tenant=None)}
    refused = routed(headers=bearer(TOKEN), tenancy=tenancy("default", tokens=tokens))
    assert isinstance(refused, Unroutable)
    assert refused.code == "revoked_token"


@pytest.mark.parametrize("userinfo", [f"{TOKEN}:", f"me:{TOKEN}", f":{TOKEN}", TOKEN])
@pytest.mark.parametrize("scheme", ["Basic", "basic"])
def test_a_token_in_basic_credentials_decides_the_tenant_and_stays_here(userinfo: str, scheme: str) -> None:
    coded = b64encode(userinfo.encode()).decode()
    found = routed(headers={"authorization": f"{scheme} {coded}"}, tenancy=with_tokens())
    expected = replace(to("acme.2", "openai", Whose.STORED), token="t1", withheld=frozenset({"authorization"}))
    assert found == expected


@pytest.mark.parametrize("value", [f'Token token="{TOKEN}"', f"Token token={TOKEN}", f"Digest username='{TOKEN}'"])
def test_a_token_of_ours_goes_upstream_in_no_scheme(value: str) -> None:
    refused = routed(headers={"authorization": value}, tenancy=with_tokens())
    assert isinstance(refused, Unroutable)
    assert (refused.code, TOKEN in refused.message) == ("unknown_token", False)


def test_what_is_no_basic_credential_is_passed_on_as_it_came() -> None:
    for value in ("Basic", "Basic a", "Basic =", "Basic dTpw", "Basic \u00e9"):
        assert credentials_of({"authorization": value}) == {"authorization": value}


def test_a_token_is_good_from_everywhere_until_it_expires() -> None:
    given = {"tenancy": with_tokens(expires=99.0), "now": 98.0, "on_loopback": False}
    found = routed(headers=bearer(TOKEN), tenant="acme", **given)
    assert isinstance(found, Route)
    assert found.tenant == "acme.2"


def test_an_adopted_key_is_its_tenants_and_told_by_its_end() -> None:
    key = anonymous_tenant(OWN_KEY, SALT)
    found = routed(headers=bearer(OWN_KEY), tenancy=tenancy("default", adopted={key: ACME}))
    assert isinstance(found, Route)
    assert (found.tenant, found.key, found.hint, found.whose) == ("acme.2", key, OWN_KEY[-4:], Whose.CLIENT)
    assert OWN_KEY[-4:] not in repr(found).replace(key, "")


def test_a_tenant_goes_to_its_own_upstreams() -> None:
    own = Upstream(name="own", base_url="https://own/v1", key_env="X")
    elsewhere = replace(PRESETS["groq"], base_url="https://mirror/v1")
    acme = Tenant(id="acme", name="acme", upstreams={"own": own, "groq": elsewhere}, default_upstream="own")
    tenants = Tenancy(active=acme, by_name={"acme": acme})
    found = [
        routed(tenancy=tenants),
        routed(tenancy=tenants, upstream="groq"),
        routed(tenancy=tenants, upstream="xai"),
    ]
    assert [each.upstream for each in found if isinstance(each, Route)] == [own, elsewhere, PRESETS["xai"]]
