// How a GC setting looks: the same colour and the same shape everywhere, whatever else is on the page.

import { svg } from './dom.js';

/**
 * Colour slots are classes s1 to s10 in base.css; shapes repeat what colour says. Settings that often
 * give the same figures differ in their dashes, so that one line does not hide the other.
 */
const LOOKS = {
  'default': { slot: 1, shape: 'circle' },
  'disabled': { slot: 2, shape: 'square' },
  'threshold0': { slot: 3, shape: 'diamond', dash: [6, 6] },
  'freeze': { slot: 4, shape: 'triangle', dash: [14, 5] },
  'high-threshold': { slot: 5, shape: 'plus' },
  'collect-freeze': { slot: 6, shape: 'down', dash: [9, 4, 2, 4] },
  'immortal': { slot: 7, shape: 'star', dash: [2, 4] },
  'disabled-freeze': { slot: 8, shape: 'hexagon', dash: [4, 3] },
  'disabled-collect-freeze': { slot: 9, shape: 'cross', dash: [16, 4, 2, 4] },
};
const OTHER = { slot: 10, shape: 'bar' };

/** Corner points on a square from -1 to 1; a circle has none. */
const SHAPES = {
  circle: null,
  square: [[-0.85, -0.85], [0.85, -0.85], [0.85, 0.85], [-0.85, 0.85]],
  diamond: [[0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]],
  triangle: [[0, -1.05], [1.05, 0.85], [-1.05, 0.85]],
  down: [[0, 1.05], [1.05, -0.85], [-1.05, -0.85]],
  plus: [[-0.35, -1], [0.35, -1], [0.35, -0.35], [1, -0.35], [1, 0.35], [0.35, 0.35], [0.35, 1], [-0.35, 1], [-0.35, 0.35], [-1, 0.35], [-1, -0.35], [-0.35, -0.35]],
  star: [[0, -1.15], [0.32, -0.36], [1.1, -0.36], [0.48, 0.14], [0.7, 0.95], [0, 0.48], [-0.7, 0.95], [-0.48, 0.14], [-1.1, -0.36], [-0.32, -0.36]],
  hexagon: [[-0.55, -0.95], [0.55, -0.95], [1.1, 0], [0.55, 0.95], [-0.55, 0.95], [-1.1, 0]],
  cross: [[-0.95, -0.5], [-0.5, -0.95], [0, -0.45], [0.5, -0.95], [0.95, -0.5], [0.45, 0], [0.95, 0.5], [0.5, 0.95], [0, 0.45], [-0.5, 0.95], [-0.95, 0.5], [-0.45, 0]],
  bar: [[-1.05, -0.4], [1.05, -0.4], [1.05, 0.4], [-1.05, 0.4]],
};

export function look(gc) {
  return LOOKS[gc] || OTHER;
}

export function colourClass(gc) {
  return 's' + look(gc).slot;
}

/** The colour as the theme of this moment has it, for a canvas. */
export function colour(gc) {
  return getComputedStyle(document.documentElement).getPropertyValue('--s' + look(gc).slot).trim();
}

/** The setting's shape in its colour; decoration, the name stands beside it. */
export function mark(gc) {
  const root = svg('svg', { class: 'mark ' + colourClass(gc), viewBox: '-1.25 -1.25 2.5 2.5', 'aria-hidden': 'true' });
  const points = SHAPES[look(gc).shape];
  root.append(points
    ? svg('polygon', { points: points.map((p) => p.join(',')).join(' ') })
    : svg('circle', { r: '0.95' }));
  return root;
}

/** Adds the shape to a canvas path, around x and y. */
export function traceMark(context, gc, x, y, radius) {
  const points = SHAPES[look(gc).shape];
  context.beginPath();
  if (!points) {
    context.arc(x, y, radius * 0.95, 0, 2 * Math.PI);
  } else {
    points.forEach(([px, py], i) => {
      if (i === 0) context.moveTo(x + px * radius, y + py * radius);
      else context.lineTo(x + px * radius, y + py * radius);
    });
    context.closePath();
  }
}
