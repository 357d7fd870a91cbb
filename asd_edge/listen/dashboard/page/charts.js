// Pictures of a machine: its scores as SVG, its log-Mel columns and attention maps on canvases.

const SVG = "http://www.w3.org/2000/svg";
const SHOWN_SECONDS = 300;
const TOP_HZ = 8000;
// Dark to light, alike in order for every kind of colour vision.
const COLOURS = [[13, 8, 60], [84, 15, 109], [150, 38, 100], [213, 72, 66], [247, 137, 20], [249, 221, 118], [252, 255, 220]];

export function bytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function element(name, attributes, words) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (words !== undefined) made.textContent = words;
  return made;
}

// Round numbers from low to high, at most `most` of them.
function ticks(low, high, most) {
  const power = 10 ** Math.floor(Math.log10((high - low) / most));
  const step = [1, 2, 5, 10, 20].map((factor) => factor * power).find((size) => (high - low) / size <= most);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

function path(points) {
  return points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

// points: {kind, at, score or null, threshold}, in the order of time within a kind.
export function drawScores(svg, points) {
  svg.classList.toggle("bare", points.every((point) => point.score === null));
  const width = svg.clientWidth || 600, height = svg.clientHeight || 190;
  const left = 46, right = width - 8, top = 8, bottom = height - 22;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const end = Math.max(...points.map((point) => point.at)), start = end - SHOWN_SECONDS;
  const shown = points.filter((point) => point.at >= start);
  const scored = shown.filter((point) => point.score !== null);
  const drawn = [svg.querySelector("title")];
  if (scored.length) {
    const values = scored.flatMap((point) => [point.score, point.threshold]);
    const spread = Math.max(...values) - Math.min(...values) || 1;
    const low = Math.min(...values) - 0.08 * spread, high = Math.max(...values) + 0.08 * spread;
    const x = (at) => left + ((at - start) / SHOWN_SECONDS) * (right - left);
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
    for (const value of ticks(low, high, 5)) {
      drawn.push(element("path", { d: `M${left} ${y(value)}H${right}`, class: "axis" }));
      drawn.push(element("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, Number(value.toPrecision(6))));
    }
    for (let back = SHOWN_SECONDS; back >= 0; back -= width < 600 ? 150 : 60) {
      const words = back ? `-${back / 60} min` : "now";
      const anchor = back === SHOWN_SECONDS ? "start" : back ? "middle" : "end";
      drawn.push(element("text", { x: x(end - back), y: height - 5, "text-anchor": anchor }, words));
    }
    const lineKind = scored.some((point) => point.kind === "sliding") ? "sliding" : "window";
    const line = shown.filter((point) => point.kind === lineKind);
    drawn.push(...gaps(line, x, start, top, bottom));
    drawn.push(element("path", { d: stretches(line, (point) => [x(point.at), y(point.score)]), class: "score-line" }));
    const bars = line.filter((point) => point.score !== null).map((point) => [x(point.at), y(point.threshold)]);
    drawn.push(element("path", { d: path([[left, bars[0][1]], ...bars, [right, bars.at(-1)[1]]]), class: "threshold-line" }));
    for (const point of scored.filter((one) => one.kind === "window")) {
      drawn.push(element("circle", { cx: x(point.at), cy: y(point.score), r: 3, class: "clip-dot" }));
    }
  } else {
    drawn.push(element("text", { x: left, y: height / 2 }, "no score yet"));
  }
  svg.replaceChildren(...drawn);
}

// One line per stretch of scores without a gap.
function stretches(line, place) {
  const parts = [[]];
  for (const point of line) point.score === null ? parts.push([]) : parts.at(-1).push(place(point));
  return parts.map(path).join("");
}

// One area per run of windows without a score, from the score before it on.
function gaps(line, x, start, top, bottom) {
  const areas = [];
  line.forEach((point, index) => {
    if (point.score !== null) return;
    if (index && line[index - 1].score === null) areas.at(-1).until = point.at;
    else areas.push({ from: Math.max(start, index ? line[index - 1].at : start), until: point.at, reason: point.reason });
  });
  return areas.map(({ from, until, reason }) => {
    const size = { x: x(from), y: top, width: Math.max(1, x(until) - x(from)), height: bottom - top };
    const area = element("rect", { ...size, class: "gap-area" });
    area.append(element("title", {}, reason));
    return area;
  });
}

function colour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (COLOURS.length - 1);
  const index = Math.min(Math.floor(place), COLOURS.length - 2);
  return COLOURS[index].map((from, part) => from + (place - index) * (COLOURS[index + 1][part] - from));
}

const PALETTE = Array.from({ length: 256 }, (_, index) => colour(index / 255));

// values: bytes, column by column of nMels, the newest at the right; low and high get the ends of the palette.
export function drawColumns(canvas, values, nMels, low, high) {
  const nColumns = values.length / nMels, context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, nMels);
  for (let column = 0; column < nColumns; column++) {
    const x = canvas.width - nColumns + column;
    if (x < 0) continue;
    for (let band = 0; band < nMels; band++) {
      const share = (values[column * nMels + band] - low) / Math.max(1, high - low);
      const [red, green, blue] = PALETTE[Math.round(255 * Math.min(Math.max(share, 0), 1))];
      const at = 4 * ((nMels - 1 - band) * canvas.width + x);
      image.data.set([red, green, blue, 255], at);
    }
  }
  context.putImageData(image, 0, 0);
}

// The values below which 2 and 99.5 of a hundred lie.
export function range(values) {
  const counts = new Uint32Array(256);
  for (const value of values) counts[value]++;
  const below = (share) => {
    let rest = share * values.length;
    return Math.max(0, counts.findIndex((count) => (rest -= count) <= 0));
  };
  return [below(0.02), below(0.995)];
}

// Frequencies beside and the words for beginning, middle and end below a canvas.
export function labelMap(map, words) {
  const mel = (hz) => 2595 * Math.log10(1 + hz / 700);
  const bands = document.createElement("div"), times = document.createElement("div");
  bands.className = "bands";
  times.className = "times";
  for (const hz of [250, 1000, 2000, 4000, 7000]) {
    const label = document.createElement("span");
    label.textContent = hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`;
    label.style.bottom = `${(100 * mel(hz)) / mel(TOP_HZ)}%`;
    bands.append(label);
  }
  for (const time of words) {
    const label = document.createElement("span");
    label.textContent = time;
    times.append(label);
  }
  map.prepend(bands);
  map.append(times);
}
