// What the pages do in a browser that runs scripts: they follow the proxy, ask in a
// dialog, and say what was done without leaving the page. Without it forms and
// links do the same, one page after another.
'use strict';

const live = document.getElementById('live');
const dialog = document.getElementById('dialog');
const message = document.getElementById('message');

// Parts are replaced one by one, and only when they have changed, so that what a
// person reads, selects or has the focus on stays where it is.

const shown = new Map(); // what the server said of each part

function partsOf(root) {
  return Array.from(root.querySelectorAll('[data-part]'));
}

function remember(root) {
  shown.clear();
  for (const part of partsOf(root)) shown.set(part.id, part.outerHTML);
}

function update(html) {
  const next = new DOMParser().parseFromString('<div>' + html + '</div>', 'text/html').body;
  const parts = partsOf(next);
  const focused = document.activeElement && live.contains(document.activeElement) ? document.activeElement.id : '';
  if (parts.length === 0 || parts.length !== shown.size || parts.some((part) => !shown.has(part.id))) {
    live.replaceChildren(...next.firstElementChild.childNodes);
    remember(live);
  } else {
    for (const part of parts) {
      const text = part.outerHTML;
      if (shown.get(part.id) === text) continue;
      shown.set(part.id, text);
      document.getElementById(part.id).replaceWith(part);
    }
  }
  refocus(focused);
}

// refocus puts the focus where it was, or, if that is gone, near it.
function refocus(id) {
  const active = document.activeElement; // a closed dialog may have the focus for a moment
  if (!id || (active !== document.body && !dialog.contains(active))) return;
  const same = document.getElementById(id);
  (same || document.getElementById('main')).focus({ preventScroll: true });
}

// The stream ends now and then, and the browser opens it again. That is worth a
// word only when it does not succeed for a while.

const patience = 10000; // milliseconds
let waiting; // what was said while a dialog was open
let silence;

function say(text) {
  const state = document.getElementById('state');
  state.textContent = text;
  state.hidden = text === '';
}

function follow() {
  const stream = new EventSource(location.pathname + location.search);
  stream.addEventListener('open', () => {
    clearTimeout(silence);
    silence = undefined;
    say('');
  });
  stream.addEventListener('live', (event) => {
    if (dialog.open) waiting = event.data;
    else update(event.data);
  });
  stream.addEventListener('error', () => {
    if (stream.readyState === EventSource.CLOSED) {
      say('This page does not follow the proxy at the moment. It tries again every 10 seconds.');
      setTimeout(follow, patience);
    } else if (!silence) {
      silence = setTimeout(() => say('The proxy does not answer. What is shown may be old.'), patience);
    }
  });
  addEventListener('pagehide', () => stream.close(), { once: true });
}

// Forms that change something: the answer has a notice, which is a question if it
// has a form of its own.

async function post(form) {
  const response = await fetch(form.action, {
    method: 'POST',
    body: new URLSearchParams(new FormData(form)),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' },
  });
  const text = await response.text();
  const notice = new DOMParser().parseFromString(text, 'text/html').getElementById('notice');
  return { notice, text };
}

async function submit(form) {
  const buttons = Array.from(form.querySelectorAll('button'));
  for (const button of buttons) button.disabled = true;
  message.replaceChildren();
  try {
    const { notice, text } = await post(form);
    if (!notice) tell(text.slice(0, 300)); // a refusal, in plain text
    else if (notice.querySelector('form')) ask(notice);
    else tell(notice.querySelector('p').textContent, notice.classList.contains('error'));
  } catch {
    tell('The proxy did not answer. Whether it did what was asked is not known.', true);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function tell(text, failed) {
  if (dialog.open) dialog.close();
  const line = document.createElement('p');
  line.textContent = failed ? 'Not done: ' + text : text;
  line.className = failed ? 'error' : '';
  message.replaceChildren(line);
}

// ask shows the server's question. What cuts nothing has the focus.
function ask(notice) {
  dialog.replaceChildren(...notice.childNodes);
  const back = dialog.querySelector('#back');
  const leave = document.createElement('button');
  leave.type = 'button';
  leave.id = 'back';
  leave.textContent = back.textContent;
  leave.addEventListener('click', () => dialog.close());
  back.replaceWith(leave);
  if (!dialog.open) dialog.showModal();
  leave.focus();
}

document.addEventListener('submit', (event) => {
  if (event.target.method !== 'post' || !dialog) return;
  event.preventDefault();
  submit(event.target);
});

if (dialog) {
  let opener = '';
  dialog.addEventListener('close', () => {
    if (waiting !== undefined) update(waiting);
    waiting = undefined;
    refocus(opener);
  });
  document.addEventListener('submit', (event) => {
    const button = event.submitter;
    if (button && !dialog.contains(button)) opener = button.id;
  }, true);
  remember(live);
  follow();
}
