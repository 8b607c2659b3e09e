// Making elements, and putting figures into words. Names and messages are set as texts, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== "" && child !== false && child !== 0));
  return element;
}

const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const drawn = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);
const at = (id) => document.getElementById(id);

const count = (number, one, many = `${one}s`) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const [unit, factor] = bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  const value = bytes / factor;
  return `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString()} ${unit}`;
}

const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`);

const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const ABSOLUTE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function relative(seconds, now) {
  let value = seconds - now;
  if (Math.abs(value) < 5) return "just now";
  for (const [unit, length] of STEPS) {
    if (Math.abs(value) < length) return RELATIVE.format(Math.round(value), unit);
    value /= length;
  }
}

function moment(seconds) {
  const date = new Date(seconds * 1000);
  const element = el("time", { datetime: date.toISOString(), title: ABSOLUTE.format(date) });
  element.dataset.at = seconds;
  return element;
}

// What is said in relation to now becomes untrue by itself.
function refreshMoments(now) {
  for (const element of document.querySelectorAll("time[data-at]")) element.textContent = relative(element.dataset.at, now);
}

const RULER = document.createElement("canvas").getContext("2d");

// The text, with its middle left out where it is too wide: folders and file names both tell.
function fitted(text, width, font) {
  RULER.font = font;
  if (RULER.measureText(text).width <= width) return text;
  const characters = [...text];
  let [least, most] = [1, characters.length];
  const shortened = (kept) => {
    const head = Math.floor(kept * 0.35);
    return `${characters.slice(0, head).join("")}…${characters.slice(characters.length - (kept - head)).join("")}`;
  };
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (RULER.measureText(shortened(middle)).width <= width) least = middle;
    else most = middle - 1;
  }
  return shortened(least);
}
