// The dependency tree: which outputs does a source reach, and what is an output made of?
//
// Names are numbers into `inputs` (keys of sources), `outputs` (paths of the website) and `pages` (hugo's logical
// paths). The reasons and their order are those of `lambent site explain` (cli/site_reach.py).

// In the picture there is room for a few words (`short`); what they mean is in the titles. `out` is said of outputs that
// a source reaches, `back` of sources that an output is made of.
const REASONS = {
  made: { out: ["made of it", "made of it"], back: ["made of", "is what it is made of"] },
  copied: { out: ["a copy of it", "a copy of it"], back: ["a copy of", "is what it is a copy of"] },
  term: { out: ["lists its term", "lists it under a term"], back: ["has its term", "is listed in it, under a term"] },
  above: { out: ["lists it, above", "lists it, being above it"], back: ["listed below", "is listed in it, being below it"] },
  beside: { out: ["beside it", "stands beside it"], back: ["beside it", "stands beside it"] },
  links: { out: ["links to it", "links to it"], back: ["linked to", "is linked to"] },
  seen: { out: ["was different", "came out different when it changed"], back: ["had changed", "changed when it came out different"] },
  whole: { out: ["built anew", "is built anew with it"], back: ["for all outputs", "may change any output"] },
};

const NATURALLY = new Intl.Collator("en", { numeric: true }).compare;

class Tree {
  constructor(told) {
    Object.assign(this, told);
    this.inputNumbers = new Map(this.inputs.map((key, number) => [key, number]));
    this.outputNumbers = new Map(this.outputs.map((path, number) => [path, number]));
    this.made = new Map(this.made);
    this.pageOf = new Map();
    for (const [page, outputs] of this.made) for (const output of outputs) this.pageOf.set(output, page);
    this.linkers = new Map(told.linkers.map(([page, pages]) => [page, pages]));
    this.partly = new Set(told.linkers.filter(([, , isAll]) => !isAll).map(([page]) => page));
    this.rowsOf = gathered(this.rows.flatMap((row) => (row[1] < 0 ? [] : [[row[1], row]])));
    this.sourcesOf = gathered(this.rows.flatMap((row) => (row[1] < 0 ? [] : [[row[0], row[1]]])));
    this.under = this.rows.length ? { term: this.#reversed(2), above: this.#reversed(3), beside: this.#reversed(4) } : {};
    this.linked = gathered([...this.linkers].flatMap(([page, pages]) => pages.map((linker) => [linker, page])));
    this.copiesOf = gathered(this.copies);
    this.originOf = new Map(this.copies.map(([input, output]) => [output, input]));
  }

  // Page to the reason why the source reaches it: the first one counts.
  pagesReached(input) {
    const found = new Map();
    const add = (reason, pages) => pages.forEach((page) => found.has(page) || found.set(page, reason));
    for (const [page, , terms, above, beside] of this.rowsOf.get(input) ?? []) {
      add("made", [page]);
      add("term", terms);
      add("above", above);
      add("beside", beside);
      add("links", this.linkers.get(page) ?? []);
    }
    return found;
  }

  // Groups of outputs: {reason, members, isWhole, note}.
  reached(input) {
    const pages = [...this.pagesReached(input)];
    const groups = byReason(pages.flatMap(([page, reason]) => (this.made.get(page) ?? []).map((one) => [reason, one])));
    if (this.copiesOf.has(input)) groups.push({ reason: "copied", members: this.copiesOf.get(input) });
    if (pages.some(([page, reason]) => reason === "made" && this.partly.has(page))) {
      noteOn(groups, "links", "and more than are remembered");
    }
    if (this.isKnown && !groups.length) groups.push({ reason: "whole", members: this.#hugoMade(), isWhole: true });
    return this.#withObserved(groups, (one) => one.inputs.includes(input), "outputs", "sources");
  }

  // Groups of sources.
  needed(output) {
    const page = this.pageOf.get(output);
    const groups = [];
    if (this.originOf.has(output)) groups.push({ reason: "copied", members: [this.originOf.get(output)] });
    else if (page !== undefined) {
      const found = new Map();
      const add = (reason, inputs) => (inputs ?? []).forEach((one) => found.has(one) || found.set(one, reason));
      add("made", this.sourcesOf.get(page));
      for (const reason of ["term", "above", "beside"]) add(reason, this.under[reason].get(page));
      for (const target of this.linked.get(page) ?? []) add("links", this.sourcesOf.get(target));
      groups.push(...byReason([...found].map(([input, reason]) => [reason, input])));
    }
    if (this.isKnown && !this.originOf.has(output)) {
      const isOwned = page !== undefined;
      const rest = this.inputs.map((_, number) => number).filter((one) => this.#isForHugo(one) && !(isOwned && this.rowsOf.has(one)));
      if (rest.length) groups.push({ reason: "whole", members: rest, isWhole: true });
    }
    return this.#withObserved(groups, (one) => one.outputs.includes(output), "inputs", "changed");
  }

  // Calls back for each folder of sources and folder of outputs that something in the first reaches something in the
  // second; by pages, for a paginated list of a large site has hundreds of outputs.
  eachBond(folderOfInput, folderOfOutput, bond) {
    const foldersOf = new Map([...this.made].map(([page, outputs]) => [page, [...new Set(outputs.map((one) => folderOfOutput.get(one)))]]));
    for (let input = 0; input < this.inputs.length; input += 1) {
      const from = folderOfInput.get(input);
      const pages = this.pagesReached(input);
      const copies = this.copiesOf.get(input) ?? [];
      const found = new Set(copies.map((output) => folderOfOutput.get(output)));
      for (const page of pages.keys()) for (const folder of foldersOf.get(page) ?? []) found.add(folder);
      for (const folder of found) bond(from, folder, false);
      if (found.size) continue;
      const seen = this.isKnown ? this.#hugoMade() : (this.observed.find((one) => one.inputs.includes(input))?.outputs ?? []);
      for (const folder of new Set(seen.map((output) => folderOfOutput.get(output)))) bond(from, folder, this.isKnown);
    }
  }

  #reversed(column) {
    return gathered(this.rows.flatMap((row) => (row[1] < 0 ? [] : row[column].map((page) => [page, row[1]]))));
  }

  #isForHugo(input) {
    return !this.copiesOf.has(input);
  }

  #hugoMade() {
    this.rendered ??= this.outputs.map((_, number) => number).filter((one) => !this.originOf.has(one));
    return this.rendered;
  }

  // What came out different when it last changed, as far as that is not said already.
  #withObserved(groups, concerns, side, others) {
    const last = this.observed.find(concerns);
    if (!last || groups.some((group) => group.isWhole && side === "outputs")) return groups;
    const known = new Set(groups.filter((group) => !group.isWhole).flatMap((group) => group.members));
    const members = last[side].filter((one) => !known.has(one));
    const note = `in generation ${last.generation}${side === "outputs" && last[others] > 1 ? `, with ${count(last[others] - 1, "other source")}` : ""}`;
    if (members.length) groups.push({ reason: "seen", members, note });
    return groups;
  }
}

function gathered(pairs) {
  const found = new Map();
  for (const [key, value] of pairs) {
    const values = found.get(key);
    if (!values) found.set(key, [value]);
    else if (values[values.length - 1] !== value) values.push(value);
  }
  return found;
}

function byReason(pairs) {
  const groups = new Map();
  for (const [reason, member] of pairs) {
    if (!groups.has(reason)) groups.set(reason, new Set());
    groups.get(reason).add(member);
  }
  return Object.keys(REASONS).filter((reason) => groups.has(reason)).map((reason) => ({ reason, members: [...groups.get(reason)] }));
}

function noteOn(groups, reason, note) {
  for (const group of groups) if (group.reason === reason) group.note = note;
}

// The folder that a name is folded into: two levels of the large ones, one of the rest.
function folderOf(name) {
  const parts = name.split("/");
  if (parts.length === 1) return "";
  const depth = parts.length > 2 && ["content", "themes"].includes(parts[0]) ? 2 : 1;
  return `${parts.slice(0, depth).join("/")}/`;
}

// Name of the folder to its members, the largest first; what does not fit is put together.
function folded(members, names, most) {
  const found = [...gathered(members.map((one) => [folderOf(names[one]), one]))];
  found.sort((one, other) => other[1].length - one[1].length);
  if (found.length <= most) return found;
  return [...found.slice(0, most - 1), [null, found.slice(most - 1).flatMap(([, those]) => those)]];
}
