// Keeps what the service tells and draws it, at most twice a second.

import { bytes, drawColumns, drawScores, labelMap, range } from "./charts.js";

const MOST_SCORES = 1200, DRAW_MS = 500;
const machines = new Map();
let settings = null;

const byId = (id) => document.getElementById(id);

class Machine {
  constructor(name) {
    this.name = name;
    this.scores = [];
    this.frames = new Uint8Array(0);
    this.nextFrame = 0;
    this.state = null;
    this.isAlarm = false;
    this.isDrawn = false;
    const section = byId("machine").content.cloneNode(true).firstElementChild;
    this.part = (selector) => section.querySelector(selector);
    this.part(".name").textContent = name;
    const seconds = Math.round((settings.n_frames * settings.hop_samples) / settings.rate_hz);
    labelMap(this.part(".map"), [`-${seconds} s`, `-${seconds / 2} s`, "now"]);
    this.part("button").addEventListener("click", () => this.look());
    byId("machines").append(section);
    byId("empty").hidden = true;
  }

  addScore(point) {
    this.scores.push(point);
    if (this.scores.length > MOST_SCORES) this.scores.shift();
    this.isDrawn = false;
  }

  addFrames({ first, data }) {
    const added = bytes(data), most = settings.n_frames * settings.n_mels;
    const kept = first === this.nextFrame ? this.frames : new Uint8Array(0);
    const all = new Uint8Array(kept.length + added.length);
    all.set(kept);
    all.set(added, kept.length);
    this.frames = all.slice(Math.max(0, all.length - most));
    this.nextFrame = first + added.length / settings.n_mels;
    this.isDrawn = false;
  }

  draw() {
    if (this.isDrawn) return;
    this.isDrawn = true;
    const newest = this.scores.findLast((point) => point.score !== null), line = this.part(".newest");
    line.textContent = newest ? `${newest.score.toFixed(2)}, threshold ${newest.threshold.toFixed(2)}` : "";
    line.classList.toggle("above", Boolean(newest && newest.score > newest.threshold));
    drawScores(this.part(".scores"), this.scores);
    const [low, high] = range(this.frames);
    drawColumns(this.part(".sound"), this.frames, settings.n_mels, low, high);
    const decibels = (value) => (settings.lowest_db + value / settings.steps_per_db).toFixed(0);
    this.part(".sound-range").textContent = this.frames.length ? `${decibels(low)} dB dark to ${decibels(high)} dB light` : "";
    const pill = this.part(".pill"), hears = ["running", "recovered"].includes(this.state?.state);
    pill.textContent = this.isAlarm ? "alarm" : (this.state?.state ?? "not heard yet");
    pill.className = `pill ${this.isAlarm ? "alarm" : hears ? "hears" : ""}`;
    this.part(".detail").textContent = hears ? "" : (this.state?.detail ?? "");
  }

  async look() {
    const button = this.part("button"), refusal = this.part(".refusal");
    button.disabled = true;
    try {
      const answer = await fetch(`attention?machine=${encodeURIComponent(this.name)}`);
      const looked = await answer.json();
      refusal.textContent = looked.refusal ?? "";
      if (looked.maps) this.showMaps(looked);
    } catch {
      refusal.textContent = "The service doesn't answer.";
    }
    button.disabled = false;
  }

  showMaps({ maps, sample_index: index }) {
    const shown = maps.map(({ name, data, n_frames: nFrames, n_mels: nMels }) => {
      const box = document.createElement("div"), words = document.createElement("p"), map = document.createElement("div");
      const canvas = document.createElement("canvas"), values = bytes(data);
      const low = Math.min(...range(values)), high = Math.max(...range(values));
      [canvas.width, canvas.height] = [nFrames, nMels];
      drawColumns(canvas, values, nMels, low, high);
      const from = index / settings.rate_hz, to = from + (nFrames * settings.hop_samples) / settings.rate_hz;
      const share = (value) => (0.5 + value / 510).toFixed(2);
      words.className = "soft";
      words.textContent = `${name}: ${share(low)} dark to ${share(high)} light`;
      map.className = "map";
      map.append(canvas);
      labelMap(map, [`${from.toFixed(1)} s`, "of what was heard", `${to.toFixed(1)} s`]);
      box.append(words, map);
      return box;
    });
    this.part(".looks").replaceChildren(...shown);
  }
}

function machine(name) {
  if (!machines.has(name)) machines.set(name, new Machine(name));
  return machines.get(name);
}

function cell(row, words, style) {
  const made = row.insertCell();
  made.textContent = words;
  if (style) made.className = style;
  return made;
}

function showAlarms(alarms) {
  byId("alarms").hidden = alarms.length === 0;
  byId("no-alarms").hidden = alarms.length !== 0;
  const body = byId("alarms").tBodies[0];
  body.replaceChildren();
  for (const alarm of alarms) {
    const row = body.insertRow();
    cell(row, new Date(alarm.time).toLocaleString());
    cell(row, alarm.machine);
    const lasted = alarm.seconds === null ? "goes on" : `${alarm.seconds.toFixed(1)} s`;
    cell(row, alarm.reason === "stopped" ? `${lasted}, cut off` : lasted, "number");
    cell(row, alarm.peak.toFixed(2), "number");
    cell(row, alarm.threshold.toFixed(2), "number");
    const last = cell(row, alarm.recording ? "" : "none");
    if (alarm.recording) {
      const link = document.createElement("a");
      link.href = `recordings/${encodeURIComponent(alarm.recording)}`;
      link.textContent = "FLAC";
      last.append(link);
    }
  }
  for (const one of machines.values()) {
    one.isAlarm = alarms.some((alarm) => alarm.machine === one.name && alarm.seconds === null);
    one.isDrawn = false;
  }
}

const handlers = {
  start(content) {
    settings = content;
    machines.clear();
    byId("machines").replaceChildren();
  },
  machine({ machine: name, state, scores, frames }) {
    const one = machine(name);
    one.state = state;
    one.scores = scores;
    one.addFrames(frames);
    setTimeout(() => one.look(), 0);
  },
  score: ({ machine: name, ...point }) => machine(name).addScore(point),
  frames: ({ machine: name, ...frames }) => machine(name).addFrames(frames),
  state(content) {
    machine(content.machine).state = content;
    machine(content.machine).isDrawn = false;
  },
  alarms: showAlarms,
  service({ state, detail, time }) {
    byId("service").textContent = state ? `${state} at ${new Date(time).toLocaleTimeString()} ${detail}` : "connected";
  },
};

const source = new EventSource("events");
for (const [name, handler] of Object.entries(handlers)) {
  source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
}
source.addEventListener("error", () => {
  const isOver = source.readyState === EventSource.CLOSED;
  byId("service").textContent = isOver ? "the service refuses this page: load it again" : "the service doesn't answer";
});
setInterval(() => machines.forEach((one) => one.draw()), DRAW_MS);
addEventListener("resize", () => machines.forEach((one) => (one.isDrawn = false)));
