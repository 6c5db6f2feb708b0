/** Runs in the browser, after Chart.js: draws what the element `charts` holds, in the colours of the style sheet. */
export const SCRIPT = `'use strict';
const root = document.documentElement;
const specs = JSON.parse(document.getElementById('charts').textContent);
root.classList.add('drawn');
const color = (property) => getComputedStyle(root).getPropertyValue(property).trim();

/** Puts colours in the place of the properties that hold them. */
function themed(value, key = '') {
  if (Array.isArray(value)) return value.map((one) => themed(one));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([k, one]) => [k, themed(one, k)]));
  return key.endsWith('Color') ? color(value) : value;
}

/** The contenders' marks, with x and y in pixels; those of the front first. */
function marksOf(chart) {
  return chart.data.datasets
    .flatMap(({ data }, i) => {
      if (!chart.isDatasetVisible(i)) return [];
      return chart.getDatasetMeta(i).data.map(({ x, y }, j) => ({ ...data[j], x, y }));
    })
    .filter(({ name }) => name !== undefined)
    .sort((a, b) => b.isBest - a.isBest);
}

const intervals = {
  id: 'intervals',
  beforeDatasetsDraw(chart) {
    const { ctx, scales } = chart;
    ctx.save();
    ctx.strokeStyle = color('--faint');
    ctx.lineWidth = 2;
    for (const { x, interval } of marksOf(chart)) {
      if (!interval) continue;
      ctx.beginPath();
      ctx.moveTo(x, scales.y.getPixelForValue(interval.low));
      ctx.lineTo(x, scales.y.getPixelForValue(interval.high));
      ctx.stroke();
    }
    ctx.restore();
  },
};

/** Where a name of this width may stand beside its mark: left edge and middle. */
const places = (x, y, width) => [
  [x + 11, y],
  [x - 11 - width, y],
  [x - width / 2, y - 16],
  [x - width / 2, y + 16],
  [x + 8, y - 13],
  [x + 8, y + 13],
  [x - 8 - width, y - 13],
  [x - 8 - width, y + 13],
];

/** Names the marks, except where that would cover a mark or another name: those the tooltips tell. */
const names = {
  id: 'names',
  afterDatasetsDraw(chart) {
    const { ctx, chartArea: area } = chart;
    const marks = marksOf(chart);
    const taken = marks.map(({ x, y }) => ({ left: x - 7, right: x + 7, top: y - 7, bottom: y + 7 }));
    const isFree = ({ left, right, top, bottom }) =>
      left >= area.left && right <= area.right && top >= area.top && bottom <= area.bottom &&
      taken.every((box) => left >= box.right || box.left >= right || top >= box.bottom || box.top >= bottom);
    ctx.save();
    ctx.font = '12px ' + Chart.defaults.font.family;
    ctx.fillStyle = color('--ink');
    ctx.strokeStyle = color('--paper');
    ctx.lineWidth = 6;
    ctx.lineJoin = 'round';
    ctx.textBaseline = 'middle';
    for (const { x, y, name } of marks) {
      const { width } = ctx.measureText(name);
      for (const [left, middle] of places(x, y, width)) {
        const box = { left, right: left + width, top: middle - 7, bottom: middle + 7 };
        if (!isFree(box)) continue;
        taken.push(box);
        ctx.strokeText(name, left, middle);
        ctx.fillText(name, left, middle);
        break;
      }
    }
    ctx.restore();
  },
};

/** Chart.js asks a line's first point for the line's dashes and width, in vain. */
const { generateLabels } = Chart.defaults.plugins.legend.labels;
function labelsLikeLines(chart) {
  return generateLabels(chart).map((item) => {
    const { borderDash: lineDash = [], borderWidth: lineWidth = item.lineWidth } = chart.data.datasets[item.datasetIndex];
    return { ...item, lineDash, lineWidth };
  });
}

/** On a narrow page the name of a bar takes two lines. */
function wrapped(value) {
  const name = this.getLabelForValue(value);
  const middle = name.indexOf(' ', name.length / 3);
  return this.chart.width < 640 && middle > 0 ? [name.slice(0, middle), name.slice(middle + 1)] : name;
}

const { defaults } = Chart;
Object.assign(defaults, { animation: false, locale: 'en', maintainAspectRatio: false });
Object.assign(defaults.font, { family: color('--sans'), size: 12 });
Object.assign(defaults.plugins.legend, { position: 'bottom', align: 'start' });
Object.assign(defaults.plugins.legend.labels, { usePointStyle: true, boxHeight: 8, padding: 16, generateLabels: labelsLikeLines });
Object.assign(defaults.plugins.tooltip, { usePointStyle: true, displayColors: false, padding: 10 });
const { title, label } = defaults.plugins.tooltip.callbacks;
Object.assign(defaults.plugins.tooltip.callbacks, {
  title(items) {
    return items[0]?.raw.name ? items.map(({ raw }) => raw.name) : title.call(this, items);
  },
  label(item) {
    return item.raw.facts ?? label.call(this, item);
  },
});
Chart.register(intervals, names);

let charts = [];
function draw() {
  for (const chart of charts) chart.destroy();
  Object.assign(defaults, { color: color('--muted'), borderColor: color('--rule') });
  Object.assign(defaults.plugins.tooltip, { backgroundColor: color('--ink'), titleColor: color('--paper'), bodyColor: color('--paper') });
  charts = specs.map(({ id, config }) => {
    const themedConfig = themed(config);
    if (config.type === 'bar') themedConfig.options.scales.y.ticks.callback = wrapped;
    return new Chart(document.getElementById(id), themedConfig);
  });
}
draw();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);

/** On paper: dark on white, nothing folded away. */
const folded = [...document.querySelectorAll('details')];
let wereOpen = [];
addEventListener('beforeprint', () => {
  wereOpen = folded.map(({ open }) => open);
  for (const details of folded) details.open = true;
  root.classList.add('printing');
  draw();
});
addEventListener('afterprint', () => {
  folded.forEach((details, i) => { details.open = wereOpen[i]; });
  root.classList.remove('printing');
  draw();
});
`;
