"""The dependency graph of a site that is too quick to need one, for people who want to see it.

A quick site is always built whole, and keeps no graph: it would cost every edit a survey. Whoever looks at the tree
asks for it (`{"action": "tree"}`), and it is good until the next build. It can never make a partial build: the graph
says itself how quick the site is (`classification.of_site`).
"""

from collections.abc import Mapping

from sitebuilder.partial import graph as graphs
from sitebuilder.partial import runs, survey
from sitebuilder.partial.phases import GRAPH, Phases
from sitebuilder.partial.runs import Runs
from sitebuilder.sources import Source


def is_there(phases: Phases) -> bool:
    found = phases.state.read(GRAPH)
    return found is not None and graphs.decode(found[0]) is not None


def draw(
    phases: Phases, rendered: Mapping[str, Source], built: Mapping[str, str], *, seconds: float, deadline: float
) -> None:
    """After hugo has built everything into the workspace. `seconds` is what the last whole build took, no more than
    `phases.threshold`."""
    work = phases.workspace
    runs.remove_leftovers(work.source)
    made = survey.make(
        Runs(phases.settings, work.source, work.root / "partial", work.cache, deadline),
        rendered,
        output=work.output,
        built=built,
        recipe=phases.settings.recipe,
        seconds=seconds,
    )
    phases.state.write(GRAPH, graphs.encode(made))
