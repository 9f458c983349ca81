"""Policies: each tenant's rules as they hold now, with the models that compare meaning bound into them.

Until the models are loaded nothing is compared by meaning. A verifier without a calibration of ours is only watched:
what it accepts is forwarded and compared, until `reflexd tune` has fitted it.
"""

from dataclasses import replace

from reflexd_core.policy import Policy, Semantic
from reflexd_io.settings import Settings
from reflexd_io.tenants.registry import Registry


class Policies:
    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry
        self._judge = ""
        self._threshold = 1.0
        self._calibrated = True
        self._bound: dict[str, Policy] = {}

    def of(self, tenant: str) -> Policy:
        """By the tenant's id."""
        policy = self._bound.get(tenant)
        if policy is None:
            policy = self._bind(self._registry.policy_of(tenant))
            if tenant in self._registry.document.tenants:  # anonymous ones are as many as there are keys
                self._bound[tenant] = policy
        return policy

    def bind(self, judge: str, threshold: float, *, calibrated: bool) -> None:
        """From now on these models compare. After calling this, forget what was decided under the old rules."""
        self._judge, self._threshold, self._calibrated = judge, threshold, calibrated
        self._bound.clear()

    def forget(self) -> None:
        """The registry has changed. After calling this, forget what was decided under the old rules."""
        self._bound.clear()

    def _bind(self, policy: Policy) -> Policy:
        semantic = policy.semantic
        if semantic is Semantic.ON and not self._calibrated:
            semantic = Semantic.SHADOW
        own = policy.own_threshold if policy.own_threshold is not None else self._settings.reranker_threshold
        threshold = own if own is not None else self._threshold
        return replace(policy, judge=self._judge, threshold=threshold, semantic=semantic)
