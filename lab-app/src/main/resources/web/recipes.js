// What each setting does, in one sentence, and how to run it outside the lab.

import { el, segments } from './dom.js';
import { colourClass, mark } from './settings.js';

/**
 * brief: one sentence for the headline row. mind: what it costs or what undoes it.
 * gunicorn.conf.py is read in the master before preload_app loads the application, pre_fork runs in the
 * master before each fork, post_fork in the new worker. uWSGI without lazy-apps loads the module in the
 * master and forks afterwards.
 */
const MEANINGS = {
  'default': {
    brief: 'The collector runs as CPython ships it.',
    mind: 'It writes into the head of every object it looks at, so the first full collection in a worker copies every shared page that holds the head of a tracked object.',
    gunicorn: 'preload_app = True',
    uwsgi: '[uwsgi]\nmaster = true\nlazy-apps = false   # load in the master, then fork',
  },
  'disabled': {
    brief: 'gc.disable() before the application loads: no automatic collections, in the master or in any worker.',
    mind: 'Cyclic garbage is never freed, so workers grow and have to be recycled. Any library that calls gc.enable() undoes it.',
    gunicorn: 'import gc\n\ngc.disable()            # before the application loads\npreload_app = True\nmax_requests = 1000     # recycle: cyclic garbage stays\nmax_requests_jitter = 200',
    uwsgi: '# first lines of the WSGI module\nimport gc\n\ngc.disable()\n\n# uwsgi.ini: lazy-apps = false, max-requests = 1000',
  },
  'threshold0': {
    brief: 'gc.set_threshold(0): automatic collections never start.',
    mind: 'As with gc.disable(), cyclic garbage stays, but a library’s gc.enable() does not bring the collector back; only set_threshold() or an explicit gc.collect() does.',
    gunicorn: 'import gc\n\ngc.set_threshold(0)     # survives gc.enable() by a library\npreload_app = True\nmax_requests = 1000     # recycle: cyclic garbage stays\nmax_requests_jitter = 200',
    uwsgi: '# first lines of the WSGI module\nimport gc\n\ngc.set_threshold(0)\n\n# uwsgi.ini: lazy-apps = false, max-requests = 1000',
  },
  'high-threshold': {
    brief: 'gc.set_threshold(50000, 50, 1000): collections are rare.',
    mind: 'Fewer passes over shared objects, but each one has more to do: the cost moves from the median into p99, and garbage waits longer.',
    gunicorn: 'import gc\n\ngc.set_threshold(50_000, 50, 1_000)\npreload_app = True',
    uwsgi: '# first lines of the WSGI module\nimport gc\n\ngc.set_threshold(50_000, 50, 1_000)',
  },
  'freeze': {
    brief: 'gc.freeze() just before the fork: no collection looks at what the master loaded.',
    mind: 'Workers still collect their own garbage. Reference counts still copy the pages of objects that requests use. CPython 3.7 and later.',
    gunicorn: 'import gc\n\npreload_app = True\n\n\ndef pre_fork(server, worker):\n    gc.freeze()         # before every fork; only splices lists',
    uwsgi: '# last lines of the WSGI module, after everything is imported\nimport gc\n\ngc.freeze()\n\n# uwsgi.ini: lazy-apps = false',
  },
  'collect-freeze': {
    brief: 'gc.collect(), then gc.freeze(), before the fork.',
    mind: 'What loading left behind is freed first, but that leaves holes in shared pages: a worker’s first allocations go there and copy them. Compare with freeze alone.',
    gunicorn: 'import gc\n\npreload_app = True\n\n\ndef when_ready(server):  # loaded, nothing forked yet\n    gc.collect()\n    gc.freeze()',
    uwsgi: '# last lines of the WSGI module, after everything is imported\nimport gc\n\ngc.collect()\ngc.freeze()',
  },
  'immortal': {
    brief: 'Everything loaded is immortal and frozen: neither reference counts nor the collector write to it.',
    mind: 'A bound, not a recipe: CPython has had immortal objects since 3.12 (PEP 683), but no Python call that makes an application’s objects immortal. What is still copied is the allocator’s and the data’s.',
  },
  'disabled-freeze': {
    brief: 'Collector off while loading, frozen before the fork, and off in the workers.',
    mind: 'Loading frees nothing cyclic, so it leaves fewer holes. Python’s documentation advises gc.enable() in the worker as well; without it cyclic garbage stays.',
    gunicorn: 'import gc\n\ngc.disable()            # before the application loads\npreload_app = True\n\n\ndef pre_fork(server, worker):\n    gc.freeze()\n\n\n# def post_fork(server, worker):\n#     gc.enable()       # collect the worker’s own garbage',
    uwsgi: '# first lines of the WSGI module\nimport gc\n\ngc.disable()\n\n# last lines\ngc.freeze()\n\n# import uwsgidecorators\n# uwsgidecorators.postfork(gc.enable)   # collect in the workers',
  },
  'disabled-collect-freeze': {
    brief: 'Collector off while loading, one collection and gc.freeze() before the fork, off in the workers.',
    mind: 'The one collection frees all that loading left, and each freed block is a hole in a shared page that a worker’s allocation will fill: often the worst of the frozen settings.',
    gunicorn: 'import gc\n\ngc.disable()\npreload_app = True\n\n\ndef when_ready(server):\n    gc.collect()\n    gc.freeze()',
    uwsgi: '# first lines of the WSGI module\nimport gc\n\ngc.disable()\n\n# last lines\ngc.collect()\ngc.freeze()',
  },
};

/** The meaning of any setting's name, threshold=a,b,c included. */
export function meaning(gc) {
  if (MEANINGS[gc]) return MEANINGS[gc];
  const thresholds = /^threshold=([\d,]+)$/.exec(gc);
  if (thresholds) {
    const call = `gc.set_threshold(${thresholds[1].split(',').join(', ')})`;
    return {
      brief: `${call} before the application loads.`,
      mind: 'A collection of generation 0 starts when its count exceeds the first number; the others are the same for the older generations.',
      gunicorn: `import gc\n\n${call}\npreload_app = True`,
      uwsgi: `# first lines of the WSGI module\nimport gc\n\n${call}`,
    };
  }
  return { brief: 'A setting of this run.', mind: '' };
}

export function recipeId(gc) {
  return 'recipe-' + gc.replace(/[^a-z0-9]+/gi, '-');
}

export function renderRecipes(root, names) {
  root.replaceChildren(...names.map(card));
}

function card(gc) {
  const { brief, mind, gunicorn, uwsgi } = meaning(gc);
  const root = el('article', { class: 'recipe ' + colourClass(gc), id: recipeId(gc), tabindex: '-1' },
    el('h3', {}, mark(gc), el('code', {}, gc)), el('p', {}, brief), el('p', { class: 'mind' }, mind));
  if (gunicorn) {
    const code = el('pre', { tabindex: '0', 'aria-label': 'Recipe for ' + gc });
    const show = (kind) => code.replaceChildren(...highlighted(kind === 'uwsgi' ? uwsgi : '# gunicorn.conf.py\n' + gunicorn));
    const choice = el('div', { class: 'segments', role: 'group', 'aria-label': 'Server' });
    segments(choice, [{ value: 'gunicorn', label: 'gunicorn' }, { value: 'uwsgi', label: 'uWSGI' }], 'gunicorn', show);
    show('gunicorn');
    root.append(choice, code);
  }
  return root;
}

/** Comments are set back; nothing else is coloured. */
function highlighted(text) {
  return text.split(/(#[^\n]*)/).filter(Boolean).map((part) => (part.startsWith('#') ? el('span', { class: 'c' }, part) : part));
}
