// The builds, the latest first: a table of what each was for, what it did, and what it cost.

const PER_PAGE = 20;
const NAMES_IN_ROW = 3;
const NAME_FONT = `13px ${MONOSPACE}`;
const ROOM = { table: 222, card: 330 };
const SIGNS = { "+": ["added", "new"], "~": ["changed", "changed"], "-": ["removed", "gone"] };
const COLUMNS = ["When", "Result", "Cause", "Changed", "Mode and why", "Outputs", "Bytes", "hugo", "Restarts", "Misses", "Flaps"];

const builds = { all: [], first: 0, opened: new Set(), choose: null };

const identity = (build) => `${build.at} ${build.generation}`;

function showBuilds(all, choose) {
  Object.assign(builds, { all, choose });
  builds.first = Math.max(0, Math.min(builds.first, Math.floor((all.length - 1) / PER_PAGE) * PER_PAGE));
  const focused = document.activeElement?.dataset?.build;
  at("builds").replaceChildren(...(all.length ? [table(), pages()] : [el("p", { class: "quiet" }, "No build yet. The first begins when there is a hugo configuration among the sources.")]));
  if (focused) document.querySelector(`[data-build="${CSS.escape(focused)}"]`)?.focus();
  refreshMoments(Date.now() / 1000);
}

function table() {
  const rows = builds.all.slice(builds.first, builds.first + PER_PAGE).flatMap(row);
  return el("table", {},
    el("caption", { class: "unseen" }, "Builds, the latest first"),
    el("thead", {}, el("tr", {}, COLUMNS.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows));
}

function row(build) {
  const key = identity(build);
  const isOpen = builds.opened.has(key);
  const cell = (number, content, kind) => el("td", { "data-label": COLUMNS[number], class: kind }, content);
  const figure = (number, value) => cell(number, value ? el("strong", {}, value.toLocaleString()) : "0", value ? "figure" : "figure quiet");
  const opener = el("button", { type: "button", class: "opener", "aria-expanded": String(isOpen), "data-build": key, onclick: () => toggle(key) }, moment(build.at));
  const isPublished = build.outcome === "published";
  const line = el("tr", { class: build.outcome },
    cell(0, opener),
    cell(1, el("span", { class: `pill ${build.outcome}` }, isPublished ? `generation ${build.generation}` : build.outcome)),
    cell(2, build.cause || "–"),
    cell(3, changedIn(build, NAMES_IN_ROW, ROOM[matchMedia("(max-width: 75rem)").matches ? "card" : "table"]), "names"),
    cell(4, [el("span", { class: "mode" }, build.mode || "–"), build.why ? ` ${build.why}` : ""], "reason"),
    cell(5, isPublished ? outputsIn(build) : "–", "figure"),
    cell(6, [el("span", {}, `↓ ${size(build.bytes_down)}`), " ", el("span", {}, `↑ ${size(build.bytes_up)}`)], "figure"),
    cell(7, build.hugo_ms ? duration(build.hugo_ms) : "–", "figure"),
    figure(8, build.restarts), figure(9, build.misses.length), figure(10, build.flaps.length));
  const errors = build.errors.length ? [el("tr", { class: "told" }, el("td", { colspan: COLUMNS.length }, messages(build.errors, "error")))] : [];
  const details = isOpen ? [el("tr", { class: "told" }, el("td", { colspan: COLUMNS.length }, detailsOf(build)))] : [];
  return [line, ...errors, ...details];
}

function toggle(key) {
  if (!builds.opened.delete(key)) builds.opened.add(key);
  showBuilds(builds.all, builds.choose);
}

function outputsIn(build) {
  const parts = [el("span", {}, `${build.uploaded.toLocaleString()} written`)];
  if (build.deleted) parts.push(" ", el("span", {}, `${build.deleted.toLocaleString()} deleted`));
  return [...parts, " ", el("span", { class: "quiet" }, `${build.kept.toLocaleString()} kept`)];
}

function changedIn(build, most, room = Infinity) {
  const left = build.changes - Math.min(most, build.changed.length);
  if (!build.changes) return el("span", { class: "quiet" }, "no source");
  return [...build.changed.slice(0, most).map((change) => {
    const [word, kind] = SIGNS[change[0]] ?? ["", ""];
    return el("div", {}, el("span", { class: `sign ${kind}`, title: word }, change[0]), el("span", { class: "unseen" }, `${word} `), named(change.slice(1), true, room));
  }), left > 0 && el("div", { class: "quiet" }, `and ${left.toLocaleString()} more`)];
}

function named(name, isSource, room = Infinity) {
  return el("button", { type: "button", class: "link", title: name, onclick: () => builds.choose(isSource, name) }, fitted(name, room, NAME_FONT));
}

const messages = (texts, kind) => el("ul", { class: `messages ${kind}` }, texts.map((text) => el("li", {}, text)));

function detailsOf(build) {
  const part = (title, ...content) => el("div", {}, el("h3", {}, title), ...content);
  const list = (names, isSource) => el("ul", { class: "names" }, names.map((name) => el("li", {}, named(name, isSource))));
  const more = (all, shown) => (all > shown ? el("p", { class: "quiet" }, `and ${(all - shown).toLocaleString()} more`) : "");
  const touched = build.uploaded + build.deleted;
  const requests = Object.entries(build.requests ?? {}).map(([name, number]) => `${number.toLocaleString()} ${name}`).join(", ");
  return el("div", { class: "details" },
    part(count(build.changes, "source changed", "sources changed"), el("div", { class: "names" }, changedIn(build, build.changed.length))),
    part(`${count(build.uploaded, "output")} written, ${build.deleted.toLocaleString()} deleted`, list(build.names, false), more(touched, build.names.length)),
    build.misses.length && part("Missed by the partial build before", list(build.misses, false)),
    build.deferred?.length && part("Knowingly left to this build", list(build.deferred, false)),
    build.flaps.length && part("Different each time hugo makes them", list(build.flaps, false)),
    build.warnings.length && part("hugo warned", messages(build.warnings, "warning")),
    build.learned?.length && part("Learned from it", messages(build.learned, "")),
    build.lint?.length && part("To be looked at", messages(build.lint, "warning")),
    part("Where the time went", el("p", {}, `${duration(build.sync_ms)} to fetch ${count(build.fetched, "source")}, ${duration(build.hugo_ms)} hugo, ${duration(build.publish_ms)} to publish`),
      requests && el("p", { class: "quiet" }, `Requests to S3: ${requests}`)));
}

function pages() {
  if (builds.all.length <= PER_PAGE) return "";
  const last = Math.min(builds.first + PER_PAGE, builds.all.length);
  const turn = (by) => () => { builds.first += by; showBuilds(builds.all, builds.choose); };
  const button = (text, by, isOff) => el("button", { type: "button", class: "plain", disabled: isOff, onclick: turn(by), "data-build": text }, text);
  return el("nav", { "aria-label": "Pages of builds" },
    button("Newer", -PER_PAGE, builds.first === 0),
    el("span", { class: "quiet" }, `${builds.first + 1} to ${last} of ${builds.all.length}`),
    button("Older", PER_PAGE, last === builds.all.length));
}
