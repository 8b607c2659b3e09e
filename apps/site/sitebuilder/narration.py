"""A report as lines of the log.                                                                          (pure)"""

from sitebuilder.report import Report

#: Names listed in the log line of a publication.
MAX_NAMES_LOGGED = 20

_SENTENCES = {
    "waiting": "waiting: the sources have no hugo configuration yet (hugo.toml)",
    "left": "left: another invocation is building and will see this change",
    "seen": "seen: this change was seen when the site was last looked at",
    "unchanged": "unchanged: the website is up to date",
    "drawn": "drawn: the website is up to date, and its dependency tree is in the state bucket",
    "pinned": "pinned: rolled back, and no source has changed since; to build all the same: lambent site unpin",
    "failed": "failed: the published site stays as it was",
    "held": "held: the published site stays as it was",
}


def sentences(report: Report, site: str = "") -> list[str]:
    """`site` is told where the function has several."""
    lines = [f"WARN {warning}" for warning in report.warnings] + [f"ERROR {error}" for error in report.errors]
    lines += _published(report) if report.outcome == "published" else [_SENTENCES[report.outcome]]
    return [f"[{site}] {line}" for line in lines] if site else lines


def _published(report: Report) -> list[str]:
    sentence = (
        f"published: {len(report.uploaded)} uploaded, {len(report.deleted)} deleted, {report.kept} unchanged "
        f"({report.fetched} sources fetched in {report.sync_ms} ms, hugo {report.hugo_ms} ms, "
        f"publishing {report.publish_ms} ms; generation {report.generation}, {report.mode}: {report.why})"
    )
    flaps = [f"  hugo makes these differently each time: {', '.join(report.flaps[:5])}"] if report.flaps else []
    missed = [f"  of these the partial build had left out {len(report.misses)}"] if report.misses else []
    lines = [*_names("uploaded", report.uploaded), *_names("deleted", report.deleted), *missed, *flaps]
    return [sentence, *lines, *(f"  {learned}" for learned in report.learned)]


def _names(verb: str, paths: tuple[str, ...]) -> list[str]:
    lines = [f"  {verb} {path}" for path in paths[:MAX_NAMES_LOGGED]]
    more = len(paths) - len(lines)
    return [*lines, f"  and {more} more"] if more > 0 else lines
