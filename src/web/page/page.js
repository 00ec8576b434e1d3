// Keeps a page true: asks for the same address every few seconds and changes what differs, so that scroll, focus, selection
// and half-typed words stay. Everything works without it; the server does the sorting, searching and paging.
(() => {
  'use strict';
  const every = Number(document.body.dataset.every) * 1000;
  const patience = 10_000;
  const main = document.getElementById('main');
  const asOf = document.getElementById('as-of');
  const alarm = document.getElementById('alarm');
  const spoken = document.getElementById('spoken');
  const pause = document.getElementById('pause');
  let timer, typing, asking, paused = false, good = Date.now();

  // Makes `old` like `fresh`. Rows are told by their key, so that one that moves is moved and not written anew.
  function morph(old, fresh) {
    for (const { name } of [...old.attributes]) {
      // What a person has opened stays open.
      if (!fresh.hasAttribute(name) && !(old.localName === 'details' && name === 'open')) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const key = (node) => node.dataset?.key;
    const wanted = new Set([...fresh.children].map(key));
    const keyed = new Map();
    for (const child of [...old.children]) {
      if (key(child) === undefined) continue;
      if (wanted.has(key(child))) keyed.set(key(child), child);
      else child.remove();
    }
    let place = old.firstChild;
    for (const next of fresh.childNodes) {
      let match = keyed.get(key(next));
      if (key(next) === undefined && place?.nodeName === next.nodeName && key(place) === undefined) match = place;
      if (!match) {
        old.insertBefore(document.importNode(next, true), place);
        continue;
      }
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      if (match.nodeType === Node.ELEMENT_NODE) morph(match, next);
      else if (match.nodeValue !== next.nodeValue) match.nodeValue = next.nodeValue;
    }
    while (place) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
  }

  function take(fresh) {
    const focused = document.activeElement;
    if (main.dataset.summary !== fresh.getElementById('main').dataset.summary) spoken.textContent = fresh.getElementById('main').dataset.summary;
    morph(main, fresh.getElementById('main'));
    morph(asOf, fresh.getElementById('as-of'));
    document.title = fresh.title;
    const icon = fresh.querySelector('link[rel=icon]').getAttribute('href');
    const ours = document.querySelector('link[rel=icon]');
    if (ours.getAttribute('href') !== icon) ours.setAttribute('href', icon);
    // A row that moved has lost the focus on the way.
    if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  }

  function found(fresh) {
    good = Date.now();
    document.documentElement.classList.remove('stale');
    alarm.hidden = true;
    alarm.textContent = '';
    take(fresh);
  }

  // A page that looks fresh and is not would be worse than none.
  function lost(why) {
    document.documentElement.classList.add('stale');
    if (!document.title.startsWith('(old) ')) document.title = `(old) ${document.title}`;
    const text = `${why} What you see is old: it is ${asOf.textContent.replace('As of', 'as of')}.`;
    // Set once: it is read out each time it changes.
    if (alarm.textContent !== text) alarm.textContent = text;
    alarm.hidden = false;
  }

  // Of the ways to ask, the one that yields a document whose scripts never run, without turning text into markup here.
  function refresh() {
    clearTimeout(timer);
    asking?.abort();
    const request = (asking = new XMLHttpRequest());
    request.open('GET', location.href);
    request.responseType = 'document';
    request.timeout = patience;
    request.onload = () => {
      const fresh = request.response;
      // 404 is an answer too: the provider is gone from the configuration.
      if ([200, 400, 404].includes(request.status) && fresh?.getElementById('as-of')) found(fresh);
      else lost(`The daemon answers with status ${request.status} instead of the page.`);
    };
    request.onerror = () => lost('The daemon cannot be reached.');
    request.ontimeout = () => lost(`The daemon has not answered for ${patience / 1000} seconds.`);
    request.onloadend = () => {
      if (request === asking) schedule();
    };
    request.send();
  }

  function schedule() {
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(refresh, every);
  }

  // Nobody looks: nobody asks. Whoever comes back sees at once that the page is old, until it is not.
  function look() {
    if (document.hidden || paused) return clearTimeout(timer);
    if (Date.now() - good > 3 * every) document.documentElement.classList.add('stale');
    refresh();
  }
  document.addEventListener('visibilitychange', look);
  addEventListener('pageshow', (event) => event.persisted && look());

  pause.hidden = false;
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.textContent = paused ? 'Resume updates' : 'Pause updates';
    if (paused) schedule();
    else refresh();
  });

  // Search while somebody types. The form itself does the same.
  function search(form) {
    clearTimeout(typing);
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim() !== '')).toString();
    history.replaceState(null, '', query ? `?${query}` : location.pathname);
    refresh();
  }
  main.addEventListener('input', (event) => {
    const { form } = event.target;
    clearTimeout(typing);
    if (form) typing = setTimeout(() => search(form), 250);
  });
  main.addEventListener('submit', (event) => {
    event.preventDefault();
    search(event.target);
  });

  schedule();
})();
