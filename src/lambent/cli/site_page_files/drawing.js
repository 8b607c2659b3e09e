// The tree as a picture: everything in folders, or what is chosen with its neighbourhood.
//
// Every name in it is a button, for the pointer and for the keyboard; long names are shortened in the middle, and whole
// in their titles. What is too much is folded: a reason shows a few of its names, and more when asked.

const ROW = 26;
const GAP = 16;
const SHOWN_FIRST = 6;
const SHOWN_MORE = 40;
const MOST_FOLDERS = 9;
const MOST_FOLDERS_OF_ALL = 12;
const MONOSPACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
const FONT = `12.5px ${MONOSPACE}`;
const LABEL_FONT = "600 12.5px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

function curve(x1, y1, x2, y2) {
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

function pressable(group, action) {
  group.setAttribute("tabindex", "0");
  group.setAttribute("role", "button");
  group.addEventListener("click", action);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    action();
  });
  return group;
}

function box(x, y, width, text, { kind = "", whole = text, font = FONT, action, edges = [], anchor = "start" } = {}) {
  const padding = 10;
  const textX = anchor === "middle" ? x + width / 2 : x + padding;
  const group = drawn("g", { class: `box ${kind}`, "aria-label": whole },
    ...edges,
    drawn("rect", { x, y: y - 11, width, height: 22, rx: 6 }),
    drawn("text", { x: textX, y: y + 4.5, "text-anchor": anchor, "aria-hidden": true }, fitted(text, width - 2 * padding, font)),
    drawn("title", {}, whole));
  return action ? pressable(group, action) : group;
}

function picture(width, height, label, ...children) {
  const tall = Math.ceil(height);
  return drawn("svg", { width, height: tall, viewBox: `0 0 ${width} ${tall}`, role: "group", "aria-label": label }, ...children);
}

// The chosen name on one side, its reasons in the middle, what they concern on the other.
function neighbourhood(width, { name, label, isSource, groups, names, choose, open, isOpen }) {
  const others = Math.min(440, Math.round(width * 0.42));
  const focus = Math.min(300, Math.round(width * 0.27));
  const reasons = Math.min(200, width - others - focus - 60);
  const gap = (width - others - focus - reasons) / 2;
  const [focusX, othersX] = isSource ? [0, width - others] : [width - focus, 0];
  const reasonsX = isSource ? focus + gap : others + gap;
  const rows = groups.map((group) => rowsOf(group, names, { choose, open, isOpen }));
  const height = rows.reduce((sum, those) => sum + those.length * ROW + GAP, GAP);
  const focusY = Math.min(height / 2, 130);
  const parts = [];
  let y = GAP;
  groups.forEach((group, number) => {
    const centre = y + (Math.min(rows[number].length, 12) * ROW) / 2;
    const [from, to] = isSource ? [focusX + focus, reasonsX] : [reasonsX + reasons, focusX];
    const [short, long] = REASONS[group.reason][isSource ? "out" : "back"];
    const many = group.members.length.toLocaleString();
    const trunk = drawn("path", { class: "edge trunk", d: isSource ? curve(from, focusY, to, centre) : curve(from, centre, to, focusY) });
    parts.push(drawn("g", { class: `why ${group.reason}` },
      trunk,
      box(reasonsX, centre, reasons, `${short} · ${many}`, { kind: "reason", font: LABEL_FONT, anchor: "middle", whole: `${many}: ${long}${group.note ? ` ${group.note}` : ""}` }),
      ...rows[number].map((row, place) => {
        const rowY = y + place * ROW + ROW / 2;
        const d = isSource ? curve(reasonsX + reasons, centre, othersX, rowY) : curve(othersX + others, rowY, reasonsX, centre);
        return box(othersX, rowY, others, row.text, { ...row, edges: [drawn("path", { class: "edge", d })] });
      })));
    y += rows[number].length * ROW + GAP;
  });
  parts.push(box(focusX, focusY, focus, name, { kind: "focus" }));
  return picture(width, Math.max(height, focusY + 40), label, ...parts);
}

function rowsOf(group, names, { choose, open, isOpen }) {
  const folderRow = ([folder, members]) => ({
    text: `${folder === null ? "others" : folder || "at the root"} · ${members.length.toLocaleString()}`,
    kind: "folder",
    action: () => open(group.reason, members),
  });
  const most = isOpen.get(group.reason) ?? SHOWN_FIRST;
  if (group.isWhole && !isOpen.has(group.reason)) {
    const folders = folded(group.members, names, MOST_FOLDERS);
    if (folders.length > 1 || group.members.length > SHOWN_FIRST) return folders.map(folderRow);
  }
  const ordered = [...(isOpen.get(`${group.reason}:members`) ?? group.members)].sort((one, other) => NATURALLY(names[one], names[other]));
  const rows = ordered.slice(0, most).map((one) => ({ text: names[one], kind: "name", action: () => choose(one) }));
  const left = ordered.length - rows.length;
  if (left === 1) rows.push({ text: names[ordered[most]], kind: "name", action: () => choose(ordered[most]) });
  else if (left > 1) rows.push({ text: `${left.toLocaleString()} more…`, kind: "fold", action: () => open(group.reason, ordered) });
  return rows;
}

// Everything: folders of sources, folders of outputs, and how much of the first reaches the second.
function overview(width, tree, { chooseFolder }) {
  const side = Math.min(330, Math.round(width * 0.36));
  const columns = [[tree.inputs, "sources", 0], [tree.outputs, "outputs", width - side]].map(([names, title, x]) => {
    const folders = folded(names.map((_, number) => number), names, MOST_FOLDERS_OF_ALL);
    const placeOf = new Map(folders.flatMap(([, members], place) => members.map((one) => [one, place])));
    return { names, title, x, folders, placeOf };
  });
  const [left, right] = columns;
  tree.bonds ??= bondsOf(tree, left.placeOf, right.placeOf);
  const tallest = Math.max(left.folders.length, right.folders.length);
  const step = ROW + 10;
  const height = tallest * step + 44;
  const yOf = (column, place) => 44 + ((tallest - column.folders.length) * step) / 2 + place * step + step / 2;
  const edges = [...tree.bonds].map(([key, members]) => {
    const [from, to, isWhole] = key.split(" ");
    const thickness = Math.min(16, 1.2 + 1.7 * Math.log2(members));
    return {
      from: Number(from),
      to: Number(to),
      path: drawn("path", {
        class: `ribbon${isWhole === "true" ? " whole" : ""}`,
        d: curve(side, yOf(left, Number(from)), width - side, yOf(right, Number(to))),
        "stroke-width": isWhole === "true" ? 1 : thickness,
      }),
    };
  });
  const light = (end, place, isOn) => edges.forEach((edge) => edge.path.classList.toggle("lit", isOn && edge[end] === place));
  const boxes = columns.flatMap((column) => [
    drawn("text", { class: "heading", x: column.x + (column === right ? side : 0), y: 18, "text-anchor": column === right ? "end" : "start" },
      `${column.names.length.toLocaleString()} ${column.title}`),
    ...column.folders.map(([folder, members], place) => {
      const end = column === left ? "from" : "to";
      const name = folder === null ? "others" : folder || "at the root";
      const made = box(column.x, yOf(column, place), side, `${name} · ${members.length.toLocaleString()}`, {
        kind: "folder",
        whole: `${name}: ${count(members.length, column === left ? "source" : "output")}`,
        action: () => chooseFolder(column === left, folder ?? "", members),
      });
      for (const [event, isOn] of [["pointerenter", true], ["focus", true], ["pointerleave", false], ["blur", false]]) {
        made.addEventListener(event, () => light(end, place, isOn));
      }
      return made;
    }),
  ]);
  return picture(width, height, "Folders of sources, and the folders of outputs that they reach", drawn("g", { class: "ribbons" }, ...edges.map((edge) => edge.path)), ...boxes);
}

// "from to isWhole" to how many sources.
function bondsOf(tree, placeOfInput, placeOfOutput) {
  const bonds = new Map();
  tree.eachBond(placeOfInput, placeOfOutput, (from, to, isWhole) => {
    const key = `${from} ${to} ${isWhole}`;
    bonds.set(key, (bonds.get(key) ?? 0) + 1);
  });
  return bonds;
}
