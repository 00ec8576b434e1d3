// Updates the page: requests the same address every few seconds and changes only what differs, so
// that scroll position, focus, selection and typed text stay. The page also works without this
// script, because the server sorts, searches and splits the list into pages.
(() => {
  'use strict';
  const interval = Number(document.body.dataset.every) * 1000;
  const timeout = 10_000;
  const main = document.getElementById('main');
  const asOf = document.getElementById('as-of');
  const alarm = document.getElementById('alarm');
  const announcement = document.getElementById('announcement');
  const pause = document.getElementById('pause');
  let timer;
  let searchTimer;
  let request;
  let paused = false;
  let lastSuccess = Date.now();

  // Shows local time beside UTC. Nothing changes where both are the same.
  const local = new Intl.DateTimeFormat('sv-SE', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  });
  function localise(root) {
    const [today] = local.format(new Date()).split(' ');
    for (const time of root.querySelectorAll('time[datetime]')) {
      time.dataset.utc ??= time.textContent;
      const date = new Date(time.dateTime);
      if (Number.isNaN(date.getTime()) || date.getTimezoneOffset() === 0) continue;
      const [day, clock, ...zone] = local.format(date).split(' ');
      const [utcDay, utcClock] = date.toISOString().slice(0, 19).split('T');
      const utc = utcDay === day ? utcClock : `${utcDay} ${utcClock}`;
      const whole = `${clock} ${zone.join(' ')} · ${utc} UTC`;
      time.title = `${day} ${whole}`;
      const { show } = time.dataset;
      if (show === 'full') time.textContent = day === today ? whole : time.title;
      if (show === 'end') time.textContent = time.title.replaceAll(/(:\d\d):\d\d/g, '$1');
      if (show === 'minute') time.textContent = clock.slice(0, 5);
      if (show === 'date') time.textContent = day;
    }
  }

  // Makes `old` equal to `fresh`. Rows have keys, so that a row that changes its place is moved,
  // also from one section to another: `rows` has all rows of the old page.
  function morph(old, fresh, rows) {
    for (const { name } of [...old.attributes]) {
      // A list that the user has opened stays open.
      const openedByUser = old.localName === 'details' && name === 'open';
      if (!fresh.hasAttribute(name) && !openedByUser) old.removeAttribute(name);
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
      let match = keyed.get(key(next)) ?? (next.localName === 'tr' && rows.get(key(next)));
      const bothWithoutKey = key(next) === undefined && place && key(place) === undefined;
      if (bothWithoutKey && place.nodeName === next.nodeName) match = place;
      if (!match) {
        match = old.insertBefore(document.importNode(next, false), place);
        if (match.nodeType === Node.ELEMENT_NODE) morph(match, next, rows);
        continue;
      }
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      if (match.nodeType === Node.ELEMENT_NODE) morph(match, next, rows);
      else if (match.nodeValue !== next.nodeValue) match.nodeValue = next.nodeValue;
    }
    while (place) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
  }

  function show(fresh) {
    const focused = document.activeElement;
    const { summary } = fresh.getElementById('main').dataset;
    if (main.dataset.summary !== summary) announcement.textContent = summary;
    localise(fresh);
    const rows = new Map();
    for (const row of main.querySelectorAll('tr[data-key]')) rows.set(row.dataset.key, row);
    morph(main, fresh.getElementById('main'), rows);
    morph(asOf, fresh.getElementById('as-of'), rows);
    document.title = fresh.title;
    const icon = fresh.querySelector('link[rel=icon]').getAttribute('href');
    const link = document.querySelector('link[rel=icon]');
    if (link.getAttribute('href') !== icon) link.setAttribute('href', icon);
    // A row that was moved has lost the focus.
    const lostFocus = focused && focused !== document.activeElement && focused.isConnected;
    if (lostFocus) focused.focus({ preventScroll: true });
  }

  function succeeded(fresh) {
    lastSuccess = Date.now();
    document.documentElement.classList.remove('stale');
    alarm.hidden = true;
    alarm.textContent = '';
    show(fresh);
  }

  // Marks the page as old, so that nobody mistakes it for the current state.
  function failed(why) {
    document.documentElement.classList.add('stale');
    if (!document.title.startsWith('(old) ')) document.title = `(old) ${document.title}`;
    const time = asOf.querySelector('time').title;
    const text = `${why} This page is old: it shows the state as of ${time}.`;
    // A screen reader reads the text out each time it is set.
    if (alarm.textContent !== text) alarm.textContent = text;
    alarm.hidden = false;
  }

  // XMLHttpRequest gives a parsed document whose scripts never run, so no text is parsed here.
  function refresh() {
    clearTimeout(timer);
    request?.abort();
    const current = (request = new XMLHttpRequest());
    current.open('GET', location.href);
    current.responseType = 'document';
    current.timeout = timeout;
    current.onload = () => {
      const { response: fresh, status } = current;
      // 404 is a valid answer: a reload has removed the provider.
      const valid = [200, 400, 404].includes(status) && fresh?.getElementById('as-of');
      if (valid) succeeded(fresh);
      else failed(`The daemon answered with status ${status}.`);
    };
    current.onerror = () => failed('The daemon cannot be reached.');
    current.ontimeout = () => failed(`The daemon did not answer within ${timeout / 1000} seconds.`);
    current.onloadend = () => {
      if (current === request) schedule();
    };
    current.send();
  }

  function schedule() {
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(refresh, interval);
  }

  // A hidden page sends no requests. When it is shown again, it is marked as old until an update.
  function visibilityChanged() {
    if (document.hidden || paused) return clearTimeout(timer);
    if (Date.now() - lastSuccess > 3 * interval) document.documentElement.classList.add('stale');
    refresh();
  }
  document.addEventListener('visibilitychange', visibilityChanged);
  addEventListener('pageshow', (event) => event.persisted && visibilityChanged());

  pause.hidden = false;
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.textContent = paused ? 'Resume updates' : 'Pause updates';
    if (paused) schedule();
    else refresh();
  });

  // Searches while the user types. Without the script the form does the same.
  function search(form) {
    clearTimeout(searchTimer);
    const fields = [...new FormData(form)].filter(([, value]) => value.trim() !== '');
    const query = new URLSearchParams(fields).toString();
    history.replaceState(null, '', query ? `?${query}` : location.pathname);
    refresh();
  }
  main.addEventListener('input', (event) => {
    const { form } = event.target;
    clearTimeout(searchTimer);
    if (form) searchTimer = setTimeout(() => search(form), 250);
  });
  main.addEventListener('submit', (event) => {
    event.preventDefault();
    search(event.target);
  });

  // `/` begins a search, as on many pages.
  addEventListener('keydown', (event) => {
    const isTyping = ['input', 'textarea', 'select'].includes(event.target.localName);
    const field = document.getElementById('q');
    if (event.key !== '/' || isTyping || !field) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
  });

  // Paper goes to people in other time zones, so it has UTC alone.
  addEventListener('beforeprint', () => {
    for (const time of document.querySelectorAll('time[data-utc]')) {
      time.textContent = time.dataset.utc;
    }
  });
  addEventListener('afterprint', () => localise(document));

  // On a phone the first rows of the list are more important than the button.
  if (matchMedia('(max-width: 40rem)').matches) document.querySelector('footer').prepend(pause);

  localise(document);
  schedule();
})();
