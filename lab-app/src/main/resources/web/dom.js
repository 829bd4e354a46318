// Making elements; text only ever becomes text.

const SVG = 'http://www.w3.org/2000/svg';

/** el('p', {class: 'x', onclick: f}, 'text', child, ...) */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

export function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Writes only what changed, so that a screen reader or a selection is not disturbed each second. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A group of buttons of which one is pressed. Returns a function that presses another one. */
export function segments(root, choices, chosen, onChoose) {
  const buttons = choices.map(({ value, label, title }) =>
    el('button', { type: 'button', 'data-value': value, title, onclick: () => { show(value); onChoose(value); } }, ...[].concat(label)));
  const show = (value) => buttons.forEach((button) =>
    button.setAttribute('aria-pressed', String(button.dataset.value === String(value))));
  root.replaceChildren(...buttons);
  show(chosen);
  return show;
}
