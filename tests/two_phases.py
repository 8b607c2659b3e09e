"""A small site that is built in two phases, however quick whole builds of it are."""

import math
from dataclasses import dataclass, replace

from sitebuilder.build import Site
from small_site import SmallSite


@dataclass
class Noted:
    """In place of EventBridge Scheduler: when the second phase is to begin."""

    moment: float | None = None

    def set(self, moment: float) -> None:
        self.moment = moment

    def clear(self) -> None:
        self.moment = None


class TwoPhases(SmallSite):
    """However quick whole builds are, partial ones come first."""

    def site(self, workspace: str = "warm") -> Site:
        site = super().site(workspace)
        rounds = replace(site.rounds, phases=replace(site.rounds.phases, threshold=0.0, max_share=math.inf))
        return replace(site, rounds=rounds)
