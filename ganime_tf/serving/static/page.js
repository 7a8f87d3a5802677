// The colouring page. The server keeps the open pages; the dabs, the palette and undo live here.
import { showModels } from "./models.js";

const $ = (id) => document.getElementById(id);
const DEFAULT_PALETTE = [
  ["skin", "#ffe0d0"], ["warm skin", "#e0a888"], ["dark skin", "#9c6a4c"], ["blush", "#f4a8a0"],
  ["mouth", "#b03a48"], ["white", "#ffffff"],
  ["black hair", "#30304a"], ["brown hair", "#8a5a34"], ["gold hair", "#e8c060"],
  ["pink hair", "#e080b0"], ["violet hair", "#9a70d0"], ["silver hair", "#c8ccd8"],
  ["blue eyes", "#3a90d8"], ["green eyes", "#4aa860"], ["red", "#d03040"], ["orange", "#f09050"],
  ["yellow", "#f0d860"], ["leaf", "#8cc47c"],
  ["navy", "#303068"], ["sky", "#c0e0f8"], ["teal", "#4ca0a0"], ["lilac", "#d8c8f0"],
  ["sand", "#ecd0b4"], ["grey", "#8a8a94"],
];
const pages = [];
let current = null;
let info = { max_bytes: Infinity, examples: 0, models: [] };
let tool = "dab";
let palette = stored("ganime.palette", DEFAULT_PALETTE);
let colour = palette[0][1];
let radius = 8; // thousandths of the longer side
const view = { scale: 1, x: 0, y: 0 }; // page pixels to canvas pixels

function stored(key, fallback) {
  try {
    const found = JSON.parse(localStorage.getItem(key));
    const good = Array.isArray(found) && found.length > 0
      && found.every((entry) => Array.isArray(entry) && entry.every((v) => typeof v === "string"));
    return good ? found : fallback.map((entry) => [...entry]);
  } catch {
    return fallback.map((entry) => [...entry]);
  }
}

function keep(key, value) {
  try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private window */ }
}

let toastTimer;
function toast(text, good = false) {
  $("toast").textContent = text;
  $("toast").classList.toggle("good", good);
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 7000);
}

class Gone extends Error {}

async function call(path, body) {
  let answer;
  try {
    answer = await fetch(path, body === undefined ? {} : { method: "POST", body });
  } catch {
    toast("The server does not answer. Is ganime serve still running?");
    throw new Error("no answer");
  }
  if (answer.ok) return answer;
  let message = `The server answered ${answer.status}.`;
  try { message = (await answer.json()).error; } catch { /* no JSON */ }
  if (answer.status === 404 && path.startsWith("api/pages/")) throw new Gone(message);
  toast(message);
  throw new Error(message);
}

// ---- Pages -------------------------------------------------------------------------------------

async function openPage(blob, name) {
  if (blob.size > info.max_bytes) {
    toast(`${name} has ${(blob.size / 1e6).toFixed(1)} MB; this server takes at most `
      + `${(info.max_bytes / 1e6).toFixed(0)} MB.`);
    return null;
  }
  const page = { blob, name, hints: [], undone: [], picture: null, dirty: false, asking: false };
  await register(page);
  pages.push(page);
  return page;
}

async function register(page) {
  const answer = await (await call("api/pages", page.blob)).json();
  page.id = answer.id;
  [page.width, page.height] = answer.view;
  page.full = [answer.width, answer.height];
  page.remark = answer.remark;
  if (!page.lineart) {
    const png = await (await call(`api/pages/${page.id}/lineart`)).blob();
    page.lineart = await createImageBitmap(png);
    page.thumbnail = URL.createObjectURL(png);
  }
}

// Asks for something of a page; when the server has forgotten it, sends it again once.
async function ask(page, what, body) {
  try {
    return await call(`api/pages/${page.id}/${what}`, body);
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
    await register(page);
    return call(`api/pages/${page.id}/${what}`, body);
  }
}

async function openFiles(files) {
  const opened = [];
  for (const file of files) {
    if (/\.(json|gpl)$/i.test(file.name)) {
      openText(await file.text(), file.name);
      continue;
    }
    wait(1);
    try {
      const page = await openPage(file, file.name);
      if (page) opened.push(page);
    } catch { /* told */ } finally { wait(-1); }
  }
  if (opened.length) select(opened[0]);
  showStrip();
}

function openText(text, name) {
  try {
    if (/\.gpl$/i.test(name)) return setPalette(readGimp(text));
    const content = JSON.parse(text);
    if (content.points || content.strokes || content.patches) return openDabs(content);
    const entries = Object.entries(content);
    if (!entries.length || !entries.every(([, v]) => /^#[0-9a-f]{6}$/i.test(v))) throw new Error();
    return setPalette(entries.map(([k, v]) => [k, v.toLowerCase()]));
  } catch {
    toast(`${name} is neither dabs nor a palette of "#rrggbb" colours.`);
  }
}

function readGimp(text) {
  const found = text.split(/\r?\n/).map((line) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s*(.*)$/.exec(line))
    .filter(Boolean).map((m) => [m[4].trim() || "colour", hex([m[1], m[2], m[3]].map(Number))]);
  if (!found.length) throw new Error();
  return found;
}

function openDabs(content) {
  if (!current) return toast("Open the page of these dabs first.");
  const [width, height] = content.size ?? current.full;
  const scale = current.width / width;
  if (Math.abs((height * scale) / current.height - 1) > 0.02) {
    return toast(`These dabs are of a page of another shape, ${width}x${height}.`);
  }
  const brush = Math.max(width, height) / 200;
  const points = (list) => list.map(([x, y]) => [x * scale, y * scale]);
  const hints = [];
  for (const p of content.patches ?? []) hints.push({ patch: points(p.points), color: p.color });
  for (const s of content.strokes ?? []) {
    hints.push({ stroke: points(s.points), color: s.color, radius: ((s.width ?? brush) * scale) / 2 });
  }
  for (const p of content.points ?? []) {
    hints.push({ x: p.x * scale, y: p.y * scale, color: p.color, radius: (p.radius ?? brush) * scale });
  }
  for (const hint of hints) {
    if (Array.isArray(hint.color)) hint.color = hex(hint.color);
    hint.color = palette.find(([name]) => name === hint.color)?.[1] ?? hint.color;
  }
  change(() => { current.hints = hints; });
}

function select(page) {
  current = page;
  const any = page !== null;
  $("welcome").hidden = any;
  $("tools").hidden = !any;
  $("save").disabled = !any;
  if (any) fit();
  showStrip();
  if (any && !page.picture) refresh(page);
  say();
}

function showStrip() {
  $("strip").hidden = pages.length < 2;
  $("strip").replaceChildren(...pages.map((page) => {
    const button = document.createElement("button");
    button.title = page.name;
    button.setAttribute("aria-label", page.name);
    if (page === current) button.setAttribute("aria-current", "true");
    const image = new Image();
    image.src = page.thumbnail;
    image.alt = "";
    button.append(image);
    if (page.hints.length) {
      const count = document.createElement("b");
      count.textContent = page.hints.length;
      button.append(count);
    }
    button.addEventListener("click", () => select(page));
    return button;
  }));
}

// ---- Colouring ---------------------------------------------------------------------------------

// The dabs of a page as `ganime color --hints` reads them. There points lie on strokes; so that later
// dabs lie on earlier ones here, points are strokes of one point as soon as there is a stroke.
function hintsOf(page) {
  const pair = ([x, y]) => [round(x), round(y)];
  const round = (v) => Math.round(v * 100) / 100;
  const points = [], strokes = [], patches = [];
  const mixed = page.hints.some((hint) => hint.stroke);
  for (const hint of page.hints) {
    const color = hint.color;
    if (hint.patch) patches.push({ points: hint.patch.map(pair), color });
    else if (mixed) {
      const line = hint.stroke ?? [[hint.x, hint.y]];
      strokes.push({ points: line.map(pair), color, width: round(2 * hint.radius) });
    }
    else points.push({ x: round(hint.x), y: round(hint.y), color, radius: round(hint.radius) });
  }
  return { size: [page.width, page.height], points, strokes, patches };
}

const choices = () => ({
  flat: $("flat").checked,
  paper: $("paper").checked,
  shade: $("shade").value,
  light: $("light").value,
});

// Colours a page again; while one answer is under way only the newest wish is remembered.
async function refresh(page) {
  page.dirty = true;
  if (page.asking) return;
  page.asking = true;
  wait(1);
  try {
    while (page.dirty) {
      page.dirty = false;
      if (!page.hints.length) {
        page.picture = page.lineart;
        page.seconds = null;
      } else {
        const start = performance.now();
        const body = JSON.stringify({ hints: hintsOf(page), ...choices() });
        const answer = await ask(page, "preview", body);
        page.picture = await createImageBitmap(await answer.blob());
        page.seconds = (performance.now() - start) / 1000;
      }
      draw();
      say();
    }
  } catch { /* told */ } finally {
    page.asking = false;
    wait(-1);
  }
}

let waiting = 0;
function wait(step) {
  waiting += step;
  $("busy").hidden = waiting < 1;
}

function say() {
  let text = "";
  if (current) {
    const many = current.hints.length;
    text = many ? `${many} dab${many > 1 ? "s" : ""}` : "Choose a colour and click on the page.";
    if (many && current.seconds) text += `, coloured in ${current.seconds.toFixed(1)} s`;
    text += ` · ${current.full[0]} × ${current.full[1]}`;
    if (current.remark) text += ` · ${current.remark}`;
  }
  $("status").textContent = text;
  $("undo").disabled = !current?.history?.length;
  $("redo").disabled = !current?.undone.length;
  $("clear").disabled = !current?.hints.length;
}

// Changes the dabs of the page in a way that can be undone.
function change(action) {
  if (!current) return;
  (current.history ??= []).push(current.hints.map((hint) => ({ ...hint })));
  current.undone = [];
  action();
  after();
}

function after() {
  draw();
  say();
  showStrip();
  refresh(current);
}

function step(from, to) {
  if (!current || !from?.length) return;
  to.push(current.hints);
  current.hints = from.pop();
  after();
}

// ---- The canvas --------------------------------------------------------------------------------

const canvas = $("canvas");
const pen = canvas.getContext("2d");
const pixels = () => window.devicePixelRatio || 1;

function resize() {
  const { width, height } = canvas.getBoundingClientRect();
  const [w, h] = [Math.round(width * pixels()), Math.round(height * pixels())];
  if (w === canvas.width && h === canvas.height) return;
  canvas.width = w;
  canvas.height = h;
  fit();
}

function fit() {
  if (!current) return;
  const margin = 18 * pixels(), below = margin + 62 * pixels();
  const room = [canvas.width - 2 * margin, canvas.height - margin - below];
  view.scale = Math.max(0.02, Math.min(room[0] / current.width, room[1] / current.height));
  view.x = (canvas.width - current.width * view.scale) / 2;
  view.y = margin + (room[1] - current.height * view.scale) / 2;
  draw();
}

function zoom(factor, x, y) {
  const scale = Math.min(40, Math.max(0.05, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  draw();
}

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => { drawing = false; paint(); });
}

function paint() {
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (!current) return;
  const { scale, x, y } = view;
  const [width, height] = [current.width, current.height];
  pen.imageSmoothingQuality = "high";
  pen.imageSmoothingEnabled = scale < 4;
  pen.shadowColor = "#0004";
  pen.shadowBlur = 14 * pixels();
  pen.fillStyle = "#fff";
  pen.fillRect(x, y, width * scale, height * scale);
  pen.shadowBlur = 0;
  pen.drawImage(current.picture ?? current.lineart, x, y, width * scale, height * scale);
  const split = Number($("split").value) / 100;
  if (split > 0) {
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width * scale * split, height * scale);
    pen.clip();
    pen.drawImage(current.lineart, x, y, width * scale, height * scale);
    pen.restore();
    pen.fillStyle = "#c93f78";
    pen.fillRect(x + width * scale * split - pixels(), y, 2 * pixels(), height * scale);
  }
  if ($("marks").checked) for (const hint of current.hints) mark(hint);
  if (brush) mark(brush);
}

function mark(hint) {
  const at = ([px, py]) => [view.x + px * view.scale, view.y + py * view.scale];
  const rings = [["#fff", 4], ["#2b2733", 1.5]];
  for (const [style, width] of rings) {
    pen.beginPath();
    pen.lineJoin = pen.lineCap = "round";
    pen.strokeStyle = style;
    if (hint.stroke || hint.patch) {
      const points = (hint.stroke ?? hint.patch).map(at);
      points.forEach((p, k) => (k ? pen.lineTo(...p) : pen.moveTo(...p)));
      if (hint.patch) pen.closePath();
      pen.lineWidth = (hint.stroke ? 2 * hint.radius * view.scale : 0) + width * pixels();
    } else {
      pen.arc(...at([hint.x, hint.y]), Math.max(hint.radius * view.scale, 2.5 * pixels()), 0, 7);
      pen.lineWidth = width * pixels();
    }
    pen.stroke();
  }
  pen.fillStyle = pen.strokeStyle = hint.color;
  if (hint.stroke) {
    pen.lineWidth = Math.max(1, 2 * hint.radius * view.scale);
    pen.stroke();
  } else pen.fill();
}

// ---- The pointer -------------------------------------------------------------------------------

let brush = null; // the dab under way
let space = false;
const fingers = new Map();
let pinch = null;

function place(event) {
  const box = canvas.getBoundingClientRect();
  const [cx, cy] = [(event.clientX - box.left) * pixels(), (event.clientY - box.top) * pixels()];
  return { cx, cy, x: (cx - view.x) / view.scale, y: (cy - view.y) / view.scale };
}

const inside = ({ x, y }) => x >= 0 && y >= 0 && x < current.width && y < current.height;

canvas.addEventListener("pointerdown", (event) => {
  if (!current) return;
  canvas.setPointerCapture(event.pointerId);
  const p = place(event);
  fingers.set(event.pointerId, p);
  if (fingers.size === 2) {
    brush = null;
    pinch = spread();
    return draw();
  }
  if (event.button === 1 || space || tool === "move") { pinch = { pan: p }; return; }
  if (event.button !== 0 || !inside(p)) return;
  if (tool === "pick" || event.altKey) return pick(p);
  if (tool === "erase") return erase(p);
  const size = (radius / 1000) * Math.max(current.width, current.height);
  brush = { x: p.x, y: p.y, color: colour, radius: Math.max(0.5, size), start: p };
  draw();
});

canvas.addEventListener("pointermove", (event) => {
  if (!fingers.has(event.pointerId)) return;
  const p = place(event);
  const before = fingers.get(event.pointerId);
  fingers.set(event.pointerId, p);
  if (pinch?.pan || (pinch && fingers.size === 1)) {
    view.x += p.cx - before.cx;
    view.y += p.cy - before.cy;
    return draw();
  }
  if (fingers.size === 2 && pinch) {
    const now = spread();
    view.x += now.x - pinch.x;
    view.y += now.y - pinch.y;
    zoom(now.distance / Math.max(pinch.distance, 1), now.x, now.y);
    pinch = now;
    return;
  }
  if (!brush || !inside(p)) return;
  const moved = Math.hypot(p.cx - brush.start.cx, p.cy - brush.start.cy);
  if (!brush.stroke && moved < 6 * pixels()) return;
  brush.stroke ??= [[brush.x, brush.y]];
  const [lx, ly] = brush.stroke.at(-1);
  if (Math.hypot(p.x - lx, p.y - ly) > 1.5) brush.stroke.push([p.x, p.y]);
  draw();
});

function end(event) {
  if (!fingers.delete(event.pointerId)) return;
  if (!fingers.size) pinch = null;
  if (!brush) return;
  const { start, ...hint } = brush;
  brush = null;
  if (event.type === "pointercancel") return draw();
  change(() => current.hints.push(hint));
}
canvas.addEventListener("pointerup", end);
canvas.addEventListener("pointercancel", end);

function spread() {
  const [a, b] = [...fingers.values()];
  return { x: (a.cx + b.cx) / 2, y: (a.cy + b.cy) / 2, distance: Math.hypot(a.cx - b.cx, a.cy - b.cy) };
}

canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (!current) return;
  const p = place(event);
  zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), p.cx, p.cy);
}, { passive: false });

function distance(hint, { x, y }) {
  const list = hint.stroke ?? hint.patch ?? [[hint.x, hint.y]];
  return Math.min(...list.map(([px, py]) => Math.hypot(px - x, py - y))) - (hint.radius ?? 0);
}

function erase(p) {
  let best = -1, least = (10 * pixels()) / view.scale;
  current.hints.forEach((hint, k) => {
    const d = distance(hint, p);
    if (d <= least) { least = d; best = k; }
  });
  if (best >= 0) change(() => current.hints.splice(best, 1));
}

function colourAt(image, x, y) {
  const one = new OffscreenCanvas(1, 1);
  const context = one.getContext("2d");
  context.drawImage(image, -Math.floor(x), -Math.floor(y));
  return hex([...context.getImageData(0, 0, 1, 1).data].slice(0, 3));
}

function hex(values) {
  return `#${values.map((v) => Math.min(255, v).toString(16).padStart(2, "0")).join("")}`;
}

function pick(p) {
  setColour(colourAt(current.picture ?? current.lineart, p.x, p.y));
  setTool("dab");
}

// ---- Colours -----------------------------------------------------------------------------------

function setColour(value) {
  colour = value.toLowerCase();
  $("colour").value = colour;
  const known = palette.findIndex(([, entry]) => entry === colour);
  $("name").textContent = known < 0 ? colour : palette[known][0];
  $("remove").disabled = known < 0;
  $("keep").disabled = known >= 0;
  [...$("swatches").children].forEach((swatch, k) => swatch.setAttribute("aria-selected", k === known));
}

function setPalette(entries) {
  palette = entries.slice(0, 96);
  keep("ganime.palette", palette);
  $("swatches").replaceChildren(...palette.map(([name, value]) => {
    const swatch = document.createElement("button");
    swatch.style.background = value;
    swatch.title = name;
    swatch.setAttribute("role", "option");
    swatch.setAttribute("aria-label", name);
    swatch.addEventListener("click", () => { setColour(value); setTool("dab"); });
    return swatch;
  }));
  setColour(colour);
}

$("colour").addEventListener("input", (event) => setColour(event.target.value));
$("keep").addEventListener("click", () => setPalette([...palette, [colour, colour]]));
$("remove").addEventListener("click", () => {
  if (palette.length > 1) setPalette(palette.filter(([, value]) => value !== colour));
});

// The character's colour changes on every page: that is why the dabs are kept and not the pixels.
$("edit").addEventListener("click", () => {
  const old = colour;
  const input = Object.assign(document.createElement("input"), { type: "color", value: old });
  input.addEventListener("change", () => replaceColour(old, input.value.toLowerCase()));
  input.click();
});

function replaceColour(old, value) {
  colour = value;
  setPalette(palette.map(([name, entry]) => [name === old ? value : name, entry === old ? value : entry]));
  for (const page of pages) {
    let changed = false;
    for (const hint of page.hints) if (hint.color === old) { hint.color = value; changed = true; }
    if (changed) refresh(page);
  }
  draw();
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const text = (content) => new Blob([JSON.stringify(content, null, 1)], { type: "application/json" });
$("palette-save").addEventListener("click", () => {
  const named = {};
  for (const [name, value] of palette) {
    let key = name;
    for (let k = 2; key in named; k += 1) key = `${name} ${k}`;
    named[key] = value;
  }
  download(text(named), "palette.json");
});
$("palette-open").addEventListener("click", () => $("files").click());
$("palette-reset").addEventListener("click", () => setPalette(DEFAULT_PALETTE.map((e) => [...e])));

// ---- The character's sheet ---------------------------------------------------------------------

let sheet = null;
$("sheet-open").addEventListener("click", () => $("sheet-file").click());
$("sheet-file").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  try {
    sheet = { file, image: await createImageBitmap(file) };
  } catch {
    return toast(`${file.name} is no picture that this browser can show.`);
  }
  const shown = $("sheet");
  shown.hidden = false;
  shown.width = sheet.image.width;
  shown.height = sheet.image.height;
  shown.getContext("2d").drawImage(sheet.image, 0, 0);
  $("sheet-take").disabled = $("sheet-place").disabled = false;
});
$("sheet").addEventListener("click", (event) => {
  const box = $("sheet").getBoundingClientRect();
  const scale = sheet.image.width / box.width;
  setColour(colourAt(sheet.image, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale));
  setTool("dab");
});
$("sheet-take").addEventListener("click", async () => {
  try {
    const { colours } = await (await call("api/palette", sheet.file)).json();
    if (!colours.length) return toast("There is no evenly painted area in this picture.");
    setPalette(colours.map((value) => [value, value]));
    setColour(colours[0]);
  } catch { /* told */ }
});

const dataUrl = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.addEventListener("load", () => done(reader.result));
  reader.addEventListener("error", failed);
  reader.readAsDataURL(file);
});
$("sheet-place").addEventListener("click", async () => {
  if (!current) return toast("Open the page that is to be coloured first.");
  const page = current, button = $("sheet-place");
  if (sheet.file.size > info.max_bytes) return toast("The sheet is too large for this server.");
  button.disabled = true;
  wait(1);
  try {
    const body = JSON.stringify({ sheet: await dataUrl(sheet.file), hints: hintsOf(page) });
    const { points } = await (await ask(page, "sheet", body)).json();
    if (!points.length) return toast("No part of the page is surely one of the sheet's.");
    $("paper").checked = true;
    $("marks").checked = false; // so many rings would hide what they made
    const place = () => { page.hints = [...points, ...page.hints]; page.picture = null; };
    if (page === current) change(place); else place();
    toast(`${points.length} dabs placed, see "Show dabs"; what is unsure stayed paper. `
      + "Undo takes them away.", true);
  } catch { /* told */ } finally {
    wait(-1);
    button.disabled = false;
  }
});

// ---- Buttons, keys, files ----------------------------------------------------------------------

function setTool(name) {
  tool = name;
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", button.dataset.tool === name);
  }
  canvas.style.cursor = { move: "grab", erase: "cell", pick: "copy" }[name] ?? "crosshair";
}

for (const button of document.querySelectorAll("[data-tool]")) {
  button.addEventListener("click", () => setTool(button.dataset.tool));
}
$("undo").addEventListener("click", () => step(current?.history, current?.undone));
$("redo").addEventListener("click", () => step(current?.undone, current?.history));
$("clear").addEventListener("click", () => change(() => { current.hints = []; }));
$("fit").addEventListener("click", fit);
$("radius").addEventListener("input", (event) => { radius = Number(event.target.value); });
$("marks").addEventListener("change", draw);
$("split").addEventListener("input", draw);
for (const id of ["flat", "paper", "shade", "light"]) {
  $(id).addEventListener("change", () => {
    for (const page of pages) if (page !== current && page.hints.length) page.picture = null;
    if (current) refresh(current);
  });
}
$("open").addEventListener("click", () => $("files").click());
$("open2").addEventListener("click", () => $("files").click());
$("files").addEventListener("change", (event) => {
  const files = [...event.target.files];
  event.target.value = "";
  openFiles(files);
});

function menu(open) {
  $("save-menu").hidden = !open;
  $("save").setAttribute("aria-expanded", open);
}
$("save").addEventListener("click", () => menu($("save-menu").hidden));
document.addEventListener("click", (event) => {
  if (!event.target.closest(".menu")) menu(false);
});
$("save-menu").addEventListener("click", async (event) => {
  const format = event.target.closest("button")?.dataset.format;
  if (!format) return;
  menu(false);
  const page = current;
  const stem = page.name.replace(/\.[^.]+$/, "");
  if (format === "json") return download(text(hintsOf(page)), `${stem}.json`);
  wait(1);
  try {
    const body = JSON.stringify({ hints: hintsOf(page), ...choices(), format });
    const blob = await (await ask(page, "result", body)).blob();
    const suffix = { png: "png", colour: "colour.png" }[format] ?? format;
    download(blob, `${stem}-coloured.${suffix}`);
  } catch { /* told */ } finally { wait(-1); }
});

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input[type=text], input[type=number]")) return;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") { event.preventDefault(); $(event.shiftKey ? "redo" : "undo").click(); }
    if (key === "y") { event.preventDefault(); $("redo").click(); }
    return;
  }
  if (key === "escape") menu(false);
  if (!current || $("colouring").hidden) return;
  if (key === " " && event.target === document.body) { event.preventDefault(); space = true; }
  const tools = { d: "dab", i: "pick", e: "erase", m: "move" };
  if (tools[key]) setTool(tools[key]);
  if (key === "0") fit();
  if (key === "[" || key === "]") {
    radius = Math.min(40, Math.max(2, radius + (key === "]" ? 1 : -1)));
    $("radius").value = radius;
  }
});
document.addEventListener("keyup", (event) => { if (event.key === " ") space = false; });

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("stage").classList.toggle("over", kind === "dragover");
    if (kind === "drop") openFiles([...event.dataTransfer.files]);
  });
}
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) openFiles(files);
});
window.addEventListener("beforeunload", (event) => {
  if (pages.some((page) => page.hints.length)) event.preventDefault();
});
new ResizeObserver(resize).observe(canvas);

$("models-tab").addEventListener("click", () => {
  const other = $("models").hidden;
  $("models").hidden = !other;
  $("colouring").hidden = other;
  $("models-tab").textContent = other ? "Colouring" : "Models";
});

async function start() {
  setPalette(palette);
  setTool("dab");
  select(null);
  info = await (await call("api")).json();
  for (let k = 0; k < info.examples; k += 1) {
    const button = document.createElement("button");
    button.setAttribute("aria-label", `Example ${k + 1}`);
    const image = new Image();
    image.src = `api/examples/${k}`;
    image.alt = "";
    button.append(image);
    button.addEventListener("click", async () => {
      wait(1);
      try {
        const blob = await (await call(`api/examples/${k}`)).blob();
        select(await openPage(blob, `example-${k + 1}.png`));
      } catch { /* told */ } finally { wait(-1); }
    });
    $("examples").append(button);
  }
  if (info.models.length) {
    $("models-tab").hidden = false;
    await showModels($("models"), call);
  }
}
start();
