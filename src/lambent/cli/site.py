"""`lambent site`: what a site's builder has done and why, and the things one can ask of it.

status [SITE]            what is published, and how the last build went
history [SITE]           the last builds
explain KEY [SITE]       what an edit of that source changed on the website
page [SITE]              all of this in a browser, with the dependency tree drawn
rollback GEN [SITE]      put a generation back; it stays until the next edit
unpin [SITE]             build the sources again after a rollback
verify [SITE]            build from nothing, and say what was wrong on the website
confirm [SITE]           build even though much would be deleted
"""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from lambent.cli import site_lessons, site_page, site_reach, site_state
from lambent.cli.client import DEFAULT_ENDPOINT, DEFAULT_REGION, Client, EndpointOption, JsonOption, RegionOption
from lambent.cli.failure import USAGE, Failure
from lambent.cli.output import clock_time, print_json
from lambent.cli.site_page_server import PageServer
from lambent.cli.site_reach import Reached
from lambent.cli.site_state import DeployedSite, Generation
from lambent.kit.frozen import frozen

MAX_NAMES = 10


@frozen
class Asked:
    """A command, with its site found."""

    client: Client
    site: DeployedSite
    what: str
    as_json: bool
    output: Path | None


def site(
    action: Annotated[str, typer.Argument(help="status, history, explain, page, rollback, unpin, verify or confirm.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY|GENERATION] [SITE]", help="What, and of which site.")
    ] = None,
    as_json: JsonOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="page: write it to a file instead of serving it.")
    ] = None,
    endpoint: EndpointOption = DEFAULT_ENDPOINT,
    region: RegionOption = DEFAULT_REGION,
) -> None:
    """Show what the builder of a site has done; roll back, verify."""
    if action not in ACTIONS:
        raise Failure(f"there is no `lambent site {action}`; there are: {', '.join(ACTIONS)}", exit_code=USAGE)
    run, needs = ACTIONS[action]
    given = list(arguments or ())
    if needs and not given:
        raise Failure(f"lambent site {action} needs a {needs}", exit_code=USAGE)
    what = given.pop(0) if needs else ""
    if len(given) > 1:
        raise Failure(f"lambent site {action} takes no {given[1]!r}", exit_code=USAGE)
    if output and action != "page":
        raise Failure(f"lambent site {action} takes no --output", exit_code=USAGE)
    client = Client(endpoint, region)
    sites, name = site_state.all_sites(client), given[0] if given else ""
    if action == "page" and not name:  # the others can be chosen on it
        name = sites[0].name
    run(Asked(client, site_state.named(sites, name), what, as_json, output))


def _status(asked: Asked) -> None:
    head = site_state.read_json(asked.client, asked.site, "head.json")
    turn = site_state.read_json(asked.client, asked.site, "turn.json") or {}
    learned = site_state.read_json(asked.client, asked.site, "learned.json")
    build = turn.get("last_build")
    if asked.as_json:
        is_building = bool(turn.get("holder"))
        told = {"site": asked.site.name, "head": head, "lastBuild": build, "isBuilding": is_building}
        print_json({**told, "learned": learned})
        return
    lines = [f"{asked.site.name}, built by the function {asked.site.function}"]
    if not head or not head["releases"]:
        lines.append("nothing is published yet")
    else:
        current = head["releases"][-1]
        state = "complete" if head["settled"] else "a publication is under way, or was interrupted"
        lines.append(f"generation {current['generation']}, of {clock_time(round(current['at'] * 1000))}: {state}")
        lines.append(f"can be gone back to: {', '.join(str(release['generation']) for release in head['releases'])}")
        lines += ["rolled back: stays until a source changes, or: lambent site unpin"] if head["pinned"] else []
        lines += [f"changes by itself at {clock_time(round(head['due'] * 1000))}"] if head["due"] else []
        retired = head.get("retired", {})
        lines += [f"{len(retired)} replaced files stay for pages that are still open"] if retired else []
        lines += [f"hugo makes {path} differently each time" for path in head["volatile"][:MAX_NAMES]]
        lines += site_lessons.lines(learned)
    lines += ["building now"] if turn.get("holder") else []
    lines += [f"last build: {_line(build)}", *_details(build)] if build else []
    _print(lines)


def _history(asked: Asked) -> None:
    builds = site_state.read_json(asked.client, asked.site, "history.json") or []
    if asked.as_json:
        print_json(builds)
        return
    lines: list[str] = []
    for build in builds:
        lines += [_line(build), *_details(build)]
    _print(lines or ["No build yet."])


def _explain(asked: Asked) -> None:
    """What it reaches by the dependency graph, and what was observed."""
    graph = site_state.graph(asked.client, asked.site)
    reached = site_reach.of_source(graph, asked.what) if graph else []
    kept = site_state.generations(asked.client, asked.site)
    observed = _last_change(kept, asked.what)
    if not reached and observed is None:
        if not kept or asked.what not in kept[0].sources:
            raise Failure(f"{asked.what} is no source of {asked.site.name}, nor was it in a generation that is kept")
        raise Failure(
            f"{asked.what} has not changed in the generations that are kept: what it reaches was not observed"
        )
    if asked.as_json:
        print_json(
            {
                "reaches": [_reached(page) for page in reached],
                **(_observation(*observed, asked.what) if observed else {}),
            }
        )
        return
    lines = [f"{asked.what} reaches, by the dependency graph:"] if reached else []
    lines += [f"  {page.page} ({page.why}): {', '.join(page.outputs)}" for page in reached]
    _print(lines + (_observed(*observed, asked.what) if observed else []))


def _last_change(kept: list[Generation], key: str) -> tuple[Generation, Generation] | None:
    """The generation in which the source last changed, and the one before."""
    pairs = itertools.pairwise(kept)
    return next(((new, old) for new, old in pairs if new.sources.get(key) != old.sources.get(key)), None)


def _observation(new: Generation, old: Generation, key: str) -> dict[str, Any]:
    return {
        "generation": new.number,
        "outputs": sorted(_differing(new.outputs, old.outputs)),
        "changedWithIt": sorted(_differing(new.sources, old.sources) - {key}),
    }


def _observed(new: Generation, old: Generation, key: str) -> list[str]:
    """Which outputs came out different when it last changed."""
    observation = _observation(new, old, key)
    changed, others = observation["outputs"], observation["changedWithIt"]
    verb = "appeared" if key not in old.sources else "was removed" if key not in new.sources else "changed"
    lines = [f"{key} {verb} in generation {new.number}, {clock_time(round(new.at * 1000))}"]
    if others:
        lines.append(f"together with {', '.join(others[:MAX_NAMES])}: what follows is the effect of all")
    lines.append(f"{len(changed)} outputs came out different:" if changed else "no output came out different")
    return [*lines, *(f"  {_verb(path, new, old)} {path}" for path in changed)]


def _reached(page: Reached) -> dict[str, Any]:
    return {"page": page.page, "why": page.why, "outputs": page.outputs}


def _verb(path: str, new: Generation, old: Generation) -> str:
    return "new    " if path not in old.outputs else "deleted" if path not in new.outputs else "changed"


def _page(asked: Asked) -> None:
    """Until interrupted; or into a file, and done."""
    if asked.output:
        content = site_page.snapshot(asked.client, asked.site)
        try:
            asked.output.write_bytes(content)
        except OSError as error:
            raise Failure(f"the page cannot be written: {error}") from error
        _print(
            [f"{asked.output}: {asked.site.name} as it is now; it names sources and drafts, so think before sharing it"]
        )
        return
    with PageServer(asked.client, asked.site.name) as server:
        _print([f"{asked.site.name}: {server.url}", "For this machine's browsers only. It ends with Ctrl-C."])
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            raise Failure("", exit_code=130) from None


def _rollback(asked: Asked) -> None:
    if not asked.what.isdecimal():
        raise Failure(f"{asked.what!r} is no generation; see: lambent site history", exit_code=USAGE)
    _tell(asked, site_state.ask(asked.client, asked.site, "rollback", generation=int(asked.what)))


def _asking(action: str) -> Callable[[Asked], None]:
    return lambda asked: _tell(asked, site_state.ask(asked.client, asked.site, action))


def _verify(asked: Asked) -> None:
    report = site_state.ask(asked.client, asked.site, "verify")
    if not asked.as_json and report["outcome"] == "published":
        wrong = report["uploaded"] + report["deleted"]
        _print([f"{wrong} objects were wrong, and are right now:" if wrong else "every object is right"])
        _print([f"  {name}" for name in report["names"]])
    _tell(asked, report)


def _tell(asked: Asked, report: dict[str, Any]) -> None:
    """The report; exit code 1 unless the website is now what was asked for."""
    if asked.as_json:
        print_json(report)
    else:
        _print([_line(report), *_details(report)])
    if report["outcome"] not in ("published", "unchanged"):
        raise Failure("", exit_code=1)


def _line(build: dict[str, Any]) -> str:
    at = f"{clock_time(round(build['at'] * 1000))}  " if "at" in build else ""
    if build["outcome"] != "published":
        return f"{at}{build['outcome']} ({build['cause']})"
    return (
        f"{at}generation {build['generation']} ({build['cause']}), {build['mode']}: {build['why']}; "
        f"{build['uploaded']} uploaded, {build['deleted']} deleted, {build['kept']} unchanged; "
        f"{build['bytes_down']:,} bytes down, {build['bytes_up']:,} up; hugo {build['hugo_ms']} ms"
    )


def _details(build: dict[str, Any]) -> list[str]:
    lines = [f"  {change}" for change in build["changed"][:MAX_NAMES]]
    more = build["changes"] - len(lines)
    lines += [f"  and {more} more sources"] if more > 0 and lines else []
    lines += [f"  ERROR {error}" for error in build["errors"]] + [f"  WARN {warning}" for warning in build["warnings"]]
    if build["restarts"] or build["misses"] or build["flaps"]:
        lines.append(
            f"  {build['restarts']} restarts; missed: {', '.join(build['misses']) or 'nothing'}; "
            f"different each time: {', '.join(build['flaps']) or 'nothing'}"
        )
    if deferred := build.get("deferred"):
        lines.append(f"  {len(deferred)} outputs had been left to this build, such as {deferred[0]}")
    return [*lines, *(f"  {sentence}" for sentence in (*build.get("learned", ()), *build.get("lint", ())))]


def _differing(one: Any, other: Any) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def _print(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


#: Name -> (what carries it out, what it needs to be told).
ACTIONS: dict[str, tuple[Callable[[Asked], None], str]] = {
    "status": (_status, ""),
    "history": (_history, ""),
    "explain": (_explain, "source's key, such as content/posts/a.md"),
    "page": (_page, ""),
    "rollback": (_rollback, "generation, as `lambent site status` lists them"),
    "unpin": (_asking("unpin"), ""),
    "verify": (_verify, ""),
    "confirm": (_asking("confirm"), ""),
}
