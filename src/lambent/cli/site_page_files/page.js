// What is shown and when: the state is asked for every two seconds while somebody looks, the tree when it changed.
//
// What is chosen stands behind the "#" of the address (`#source=KEY`, `#output=PATH`), so that going back and links work.

const ASK_EVERY_MS = 2000;
const LISTED = 60;

const embedded = JSON.parse(at("data").textContent);
const page = { site: "", state: null, tags: {}, tree: null, treeOf: "", isBehind: false, isOpen: new Map(), listed: LISTED, members: null };

async function fetched(name) {
  const query = page.site ? `?site=${encodeURIComponent(page.site)}` : "";
  const known = page.tags[name + query];
  const answer = await fetch(name + query, { cache: "no-store", headers: known ? { "If-None-Match": known } : {} });
  if (answer.status === 304) return null;
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  page.tags[name + query] = answer.headers.get("ETag");
  return body;
}

async function look() {
  try {
    const state = await fetched("state.json");
    if (state || page.isBehind) await show(state ?? page.state);
    trouble("");
  } catch (error) {
    trouble(error instanceof TypeError ? "`lambent site page` has ended: what you see is no longer kept up to date." : error.message);
  }
  refreshMoments(Date.now() / 1000);
}

async function watch() {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
  }
}

async function show(state) {
  page.state = state;
  page.site ||= state.site;
  showState(state);
  showBuilds(state.builds, (isSource, name) => choose(isSource, name, true));
  const wanted = JSON.stringify([state.site, state.head?.generation, state.head?.isSettled, state.builds[0]?.at]);
  page.isBehind = page.treeOf !== wanted;
  if (!page.isBehind) return;
  const tree = embedded ? embedded.tree : await fetched("tree.json");
  page.treeOf = wanted;
  page.isBehind = false;
  if (tree) page.tree = new Tree(tree);
  showTree();
}

function trouble(text) {
  at("trouble").textContent = text;
  at("trouble").hidden = !text;
}

function condition({ head, isBuilding, builds: [last] }) {
  if (embedded) return ["as-of", "A copy, as of "];
  if (isBuilding) return ["building", "Building now"];
  if (last?.outcome === "failed") return ["failed", "The last build failed"];
  if (last?.outcome === "held") return ["held", "The last build is held"];
  if (!head) return ["empty", "Nothing published yet"];
  if (!head.isSettled) return ["held", "A publication was interrupted"];
  return ["published", "Up to date"];
}

function showState(state) {
  const { head, builds: [last] } = state;
  document.title = `${state.site} – builds and dependency tree`;
  at("name").textContent = state.site;
  const address = webAddress(state.url);
  at("about").replaceChildren("built by the function ", el("code", {}, state.function), ...(address ? [" · ", el("a", { href: address, rel: "noreferrer", target: "_blank" }, "open the website")] : []));
  at("which").hidden = state.sites.length < 2;
  at("sites").replaceChildren(...state.sites.map((name) => el("option", { value: name, selected: name === state.site }, name)));
  const [kind, text] = condition(state);
  at("condition").className = kind;
  at("condition").replaceChildren(el("span", { class: "lamp" }), el("span", {}, text, embedded ? el("span", {}, ABSOLUTE.format(new Date(state.taken * 1000))) : ""));
  const fact = (name, ...content) => el("div", {}, el("dt", {}, name), el("dd", {}, ...content.flat()));
  at("facts").replaceChildren(
    fact("Generation", head ? String(head.generation) : "none"),
    fact("Published", head ? moment(head.at) : "never"),
    fact("Changes by itself", head?.due ? due(head.due) : head?.isPinned ? "no: rolled back" : "nothing is planned"),
    fact("Last build", last ? [moment(last.at), last.outcome === "published" ? "" : ` · ${last.outcome}`] : "none yet"),
    fact("Can go back to", head && head.kept.length > 1 ? spans(head.kept.slice(0, -1)) : "nothing yet"));
  at("notes").replaceChildren(...notes(state).map((note) => el("p", { class: last?.outcome }, note)));
}

const due = (seconds) => (seconds * 1000 > Date.now() ? moment(seconds) : "any moment now");

// 3, 4, 5, 7 -> "3–5, 7"
function spans(numbers) {
  const found = [];
  for (const number of numbers) {
    const last = found[found.length - 1];
    if (last && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

function notes({ head, builds: [last], site }) {
  const found = [];
  if (head?.isPinned) found.push(["Rolled back. It stays like this until a source changes, or: ", el("code", {}, `lambent site unpin ${site}`)]);
  if (last?.outcome === "failed") found.push(["The sources cannot be built, so the website stays as it was. ", el("span", { class: "message" }, last.errors[0] ?? "")]);
  if (last?.outcome === "held") found.push([last.errors[0] ?? "Too much would be deleted.", " "]);
  if (head?.volatile.length) found.push([`hugo makes ${count(head.volatile.length, "output")} differently each time: ${head.volatile.slice(0, 5).join(", ")}`]);
  return found;
}

function webAddress(text) {
  try {
    const address = new URL(text);
    return ["http:", "https:"].includes(address.protocol) ? address : null;
  } catch {
    return null;
  }
}

function outputAddress(path) {
  const base = webAddress(page.state.url);
  if (!base) return null;
  const folder = base.pathname.endsWith("/") ? base.pathname : `${base.pathname}/`;
  base.pathname = folder + path.replace(/(^|\/)index\.html$/, "$1").split("/").map(encodeURIComponent).join("/");
  return base.href;
}

// What is chosen.

function chosen() {
  const [kind, ...rest] = location.hash.slice(1).split("=");
  if (kind !== "source" && kind !== "output") return null;
  try {
    return { isSource: kind === "source", name: decodeURIComponent(rest.join("=")) };
  } catch {
    return null;
  }
}

function choose(isSource, name, isFar = false) {
  const before = location.hash;
  location.hash = `${isSource ? "source" : "output"}=${encodeURIComponent(name)}`;
  if (location.hash === before) showTree(); // chosen again: as it was at first
  if (isFar) at("tree-title").scrollIntoView();
}

function showTree() {
  page.isOpen = new Map();
  showList();
  draw();
}

function draw() {
  const { tree } = page;
  const canvas = at("canvas");
  if (!tree) return;
  const picked = chosen();
  const number = picked && (picked.isSource ? tree.inputNumbers : tree.outputNumbers).get(picked.name);
  at("caveat").textContent = caveat(tree);
  const width = Math.max(560, canvas.clientWidth - 8);
  if (number === undefined || number === null) {
    at("chosen").replaceChildren(heading(picked ? `${picked.name} is neither a source nor an output now` : "Everything, in folders", picked));
    const isEmpty = !tree.inputs.length && !tree.outputs.length;
    canvas.replaceChildren(isEmpty ? el("p", { class: "quiet" }, "Nothing to draw before something is published.") : overview(width, tree, { chooseFolder: listFolder }));
    return;
  }
  const groups = picked.isSource ? tree.reached(number) : tree.needed(number);
  at("chosen").replaceChildren(heading(picked.name, picked), el("p", {}, sentence(picked, groups)));
  const names = picked.isSource ? tree.outputs : tree.inputs;
  const open = (reason, members) => {
    page.isOpen.set(reason, (page.isOpen.get(reason) ?? 0) + SHOWN_MORE);
    page.isOpen.set(`${reason}:members`, members);
    const before = canvas.querySelectorAll(`.why.${reason} .name`).length;
    draw();
    canvas.querySelectorAll(`.why.${reason} .name`)[before]?.focus();
  };
  const label = `${picked.name} and what it ${picked.isSource ? "reaches" : "depends on"}`;
  canvas.replaceChildren(groups.length
    ? neighbourhood(width, { name: picked.name, label, isSource: picked.isSource, groups, names, open, isOpen: page.isOpen, choose: (one) => choose(!picked.isSource, names[one]) })
    : el("p", { class: "quiet" }, nothing(picked)));
}

function heading(text, picked) {
  const address = picked && !picked.isSource ? outputAddress(picked.name) : null;
  return el("div", { class: "heading" },
    el("h3", {}, text),
    address && el("a", { href: address, rel: "noreferrer", target: "_blank" }, "open it"),
    picked && el("button", { type: "button", class: "plain", onclick: () => { location.hash = ""; } }, "Show everything"));
}

function sentence({ isSource }, groups) {
  const members = new Set(groups.filter((group) => !group.isWhole).flatMap((group) => group.members)).size;
  const isWhole = groups.some((group) => group.isWhole);
  if (isSource && isWhole) return "It is none of the pages, so an edit of it builds the whole site anew: any output may follow.";
  if (isSource) return members ? `An edit of this source reaches ${count(members, "output")}.` : "";
  const others = isWhole ? "templates, styles, data and settings, which any output may follow" : "";
  if (!members) return others ? "It is made for the site as a whole." : "";
  return `Made from, or shows something of, ${count(members, "source")}${others ? `; besides ${others}` : ""}.`;
}

const nothing = ({ isSource }) => (isSource
  ? "What this source reaches is not known: it has not changed in the generations that are kept."
  : "What this output depends on is not known: it has not changed in the generations that are kept.");

function caveat(tree) {
  if (!tree.inputs.length) return "";
  if (!tree.isKnown) return "No dependency tree is known of this site now. Shown is what was observed: which outputs came out different when a source changed.";
  const parts = ["As the last whole build showed it."];
  if (tree.changedSince) parts.push(`${count(tree.changedSince, "source")} changed since.`);
  if (tree.refusal) parts.push(`Edits always build the whole site: ${tree.refusal}.`);
  return parts.join(" ");
}

// The list of names.

const lists = () => at("list-inputs").getAttribute("aria-pressed") === "true";

function listFolder(isSource, folder, members) {
  setList(isSource);
  at("filter").value = folder;
  page.members = folder ? null : members;
  showList();
  at("filter").focus({ preventScroll: false });
}

function setList(isSource) {
  at("list-inputs").setAttribute("aria-pressed", String(isSource));
  at("list-outputs").setAttribute("aria-pressed", String(!isSource));
  page.listed = LISTED;
}

function showList() {
  const { tree } = page;
  if (!tree) return;
  const isSource = lists();
  const names = isSource ? tree.inputs : tree.outputs;
  const wanted = at("filter").value.trim().toLowerCase();
  const all = page.members && !wanted ? page.members.map((one) => names[one]) : names;
  const found = wanted ? all.filter((name) => name.toLowerCase().includes(wanted)) : all;
  const picked = chosen();
  const room = at("list").clientWidth - 28;
  at("list-inputs").textContent = `Sources ${tree.inputs.length.toLocaleString()}`;
  at("list-outputs").textContent = `Outputs ${tree.outputs.length.toLocaleString()}`;
  const isCurrent = (name) => picked && picked.isSource === isSource && picked.name === name;
  at("list").replaceChildren(...found.slice(0, page.listed).map((name) => el("li", {},
    el("button", { type: "button", title: name, "aria-current": isCurrent(name) && "true", onclick: () => choose(isSource, name) }, fitted(name, room, FONT)))));
  if (!found.length) at("list").replaceChildren(el("li", { class: "quiet" }, wanted ? "No such name." : "None yet."));
  const left = found.length - page.listed;
  at("longer").hidden = left <= 0;
  at("longer").textContent = `${left.toLocaleString()} more`;
}

at("list-inputs").addEventListener("click", () => { setList(true); page.members = null; showList(); });
at("list-outputs").addEventListener("click", () => { setList(false); page.members = null; showList(); });
at("filter").addEventListener("input", () => { page.listed = LISTED; page.members = null; showList(); });
at("longer").addEventListener("click", () => { page.listed += LISTED * 4; showList(); });
at("sites").addEventListener("change", () => {
  Object.assign(page, { site: at("sites").value, treeOf: "", tags: {}, members: null });
  Object.assign(builds, { first: 0, opened: new Set() });
  location.hash = "";
  look();
});
window.addEventListener("hashchange", () => {
  const picked = chosen();
  if (picked && picked.isSource !== lists()) setList(picked.isSource);
  showTree();
});
let drawnWidth = 0;
new ResizeObserver(() => {
  if (Math.abs(at("canvas").clientWidth - drawnWidth) < 2) return;
  drawnWidth = at("canvas").clientWidth;
  showList();
  draw();
}).observe(at("canvas"));

if (embedded) show(embedded.state);
else watch();
