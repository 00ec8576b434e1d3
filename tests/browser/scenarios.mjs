// Each scenario does what a user does with the pages and checks the pages at each step. drive.mjs runs the scenarios.

import assert from 'node:assert/strict';

const DESKTOP = { width: 1280, height: 800 };
const TABLET = { width: 1024, height: 768 };
const PHONE = { width: 360, height: 740 };

/** Returns the names in the rows of the overview. */
const names = (page) => page.locator('main tbody .name').allTextContents();

/** Returns what a payload of tests/outside/browser.rs has set. It is undefined when no payload ran. */
const executed = (page) => page.evaluate(() => globalThis.executed);

/** Checks every page in both colour schemes and in both window sizes. */
export async function audit({ open }) {
  const pages = [
    ['/', []],
    ['/?state=broken', []],
    ['/?sort=-since', []],
    ['/?group=failure', []],
    ['/?group=team', []],
    ['/?kind=refused&label=team=pay', []],
    ['/?q=nobody-has-this-name', []],
    ['/providers/enkash', []],
    ['/providers/enablex-rcs', []],
    ['/providers/rotating', []],
    ['/reasons', []],
    ['/ends', []],
    ['/ends?band=ended&source=declared&label=team%3Dops', []],
    ['/ends?q=nobody-has-this-name', []],
    // The browser logs this status to the console.
    ['/providers/nobody', [/status of 404/]],
    ['/?state=brocken', [/status of 400/]],
    ['/ends?band=soon', [/status of 400/]],
  ];
  for (const colorScheme of ['light', 'dark']) {
    for (const viewport of [DESKTOP, TABLET, PHONE]) {
      // The layout of a tablet differs only in the table.
      for (const [path, expected] of viewport === TABLET ? pages.filter(([path]) => path === '/' || path === '/ends') : pages) {
        const what = `${path} ${colorScheme} ${viewport.width}`;
        const { page, clean, accessible, close } = await open(path, { colorScheme, viewport, hasTouch: viewport === PHONE });
        for (const details of await page.locator('details').all()) await details.locator('summary').click();
        await accessible(what);
        await clean(what, expected);
        await close();
      }
    }
  }
  // The light scheme has a light background, and the dark scheme has a dark one.
  const ground = async (colorScheme) => {
    const { page, close } = await open('/', { colorScheme });
    const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await close();
    return colour.match(/\d+/g).map(Number).reduce((sum, part) => sum + part);
  };
  assert.ok((await ground('light')) > 600 && (await ground('dark')) < 120);
  await compact(open);
  await oneScreen(open);
  await paper(open);
  await local(open);
  // The first link that the Tab key reaches skips to the content.
  const { page, close } = await open('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await close();
}

/** Rows are low, so that many fit on a screen, and a narrow window needs no sideways scrolling. */
async function compact(open) {
  for (const [viewport, most] of [[{ width: 1440, height: 900 }, 48], [{ width: 390, height: 844 }, 72]]) {
    const { page, close } = await open('/', { viewport });
    const heights = await page.locator('tr[data-key]').evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height));
    assert.ok(heights.length >= 4 && Math.max(...heights) <= most, `${viewport.width}: ${heights}`);
    await close();
  }
  // On a tablet the columns that are left take the whole width.
  const tablet = await open('/', { viewport: TABLET });
  const [table, cell] = await tablet.page.evaluate(() => ['.list', 'tr[data-key] .left'].map((part) => document.querySelector(part).getBoundingClientRect().right));
  assert.ok(Math.abs(table - cell) < 3, `the table ends at ${table}, its last cell at ${cell}`);
  await tablet.close();
  const { clean, close } = await open('/', { viewport: { width: 320, height: 640 } });
  await clean('320 pixels');
  await close();
}

/** What a person on call needs stands on the first screen of a provider. */
async function oneScreen(open) {
  const { page, close } = await open('/providers/enkash');
  for (const part of ['h1', '.badge', '.first', 'blockquote', '.steps', '.glance', '.command', '.strip']) {
    const box = await page.locator(part).first().boundingBox();
    assert.ok(box && box.y + box.height <= 800, `${part} is on the first screen: ${JSON.stringify(box)}`);
  }
  await close();
}

/** The page of a provider takes at most two sheets of paper, with times in UTC. */
async function paper(open) {
  const { page, close } = await open('/providers/enkash', { timezoneId: 'Asia/Kolkata' });
  const sheets = (await page.pdf({ preferCSSPageSize: true })).toString('latin1').match(/\/Type\s*\/Page\b/g);
  assert.ok(sheets && sheets.length <= 2, `${sheets?.length} sheets`);
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  assert.match(await page.locator('.glance time').first().textContent(), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  assert.match(await page.locator('.glance time').first().textContent(), / · .*UTC$/);
  await close();
}

/** With a script, times are local, with UTC beside them; an update keeps them. */
async function local(open) {
  const { page, clean, close } = await open('/providers/enkash', { timezoneId: 'Asia/Kolkata' });
  const time = page.locator('#as-of time');
  const pattern = /^\d\d:\d\d:\d\d \S+ · (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d UTC$/;
  assert.match(await time.textContent(), pattern);
  const before = await time.getAttribute('datetime');
  await page.waitForFunction((before) => document.querySelector('#as-of time').dateTime !== before, before);
  assert.match(await time.textContent(), pattern);
  assert.match(await page.locator('.first time').getAttribute('title'), /^\d{4}-\d\d-\d\d .* UTC$/);
  await clean('local time');
  await close();
  const utc = await open('/', { timezoneId: 'UTC' });
  assert.match(await utc.page.locator('#as-of time').textContent(), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await utc.close();
}

/** Uses filters, search, labels and page links, with JavaScript and without. */
export async function choose({ open }) {
  for (const javaScriptEnabled of [true, false]) {
    const { page, clean, accessible, close } = await open('/', { javaScriptEnabled });
    const what = `script: ${javaScriptEnabled}`;
    assert.equal((await names(page)).length, 100, what);
    assert.equal((await names(page))[0], 'enkash', `${what}: the broken one is first`);
    await page.getByRole('link', { name: 'Next ›' }).first().click();
    await page.waitForURL('**/?page=2');
    assert.equal((await names(page)).length, 32, what);
    if (javaScriptEnabled) await accessible('a second page');
    await page.getByRole('link', { name: '1', exact: true }).first().click();
    await page.waitForURL((url) => url.search === '');
    await page.getByRole('link', { name: /^Broken 1/ }).click();
    await page.waitForURL('**/?state=broken');
    assert.deepEqual(await names(page), ['enkash'], what);
    await page.getByRole('link', { name: /^All/ }).click();
    await page.waitForURL((url) => url.search === '');
    await page.getByRole('searchbox').fill('P-01 team=odd');
    await page.getByRole('searchbox').press('Enter');
    await page.waitForURL('**/?q=P-01+team%3Dodd');
    await page.locator('.narrowed', { hasText: '5 of 132' }).waitFor();
    assert.deepEqual(await names(page), ['p-011', 'p-013', 'p-015', 'p-017', 'p-019'], what);
    await page.getByRole('link', { name: 'Show all' }).click();
    await page.waitForURL((url) => url.search === '');
    await page.getByRole('link', { name: 'even', exact: true }).first().click();
    await page.waitForURL('**/?label=team%3Deven');
    await page.getByRole('link', { name: /^Broken/ }).click();
    await page.waitForURL('**/?state=broken&label=team%3Deven');
    await page.getByText('No provider matches.').waitFor();
    await page.getByRole('link', { name: /remove this filter/ }).click();
    await page.waitForURL('**/?state=broken');
    await page.getByRole('link', { name: 'Credential', exact: true }).click();
    await page.waitForURL('**/?state=broken&sort=name');
    await page.getByRole('columnheader', { name: 'Credential' }).and(page.locator('[aria-sort=ascending]')).waitFor();
    await page.getByRole('link', { name: /^All/ }).click();
    await page.waitForURL('**/?sort=name');
    assert.equal((await names(page))[1], 'p-000', what);
    await page.getByRole('link', { name: 'Show all' }).waitFor({ state: 'detached' });
    await page.goBack();
    // Open the page of a provider and return.
    await page.getByRole('link', { name: /^Broken 1/ }).click();
    await page.getByRole('link', { name: 'enkash' }).last().click();
    await page.waitForURL('**/providers/enkash');
    await page.getByRole('heading', { name: 'enkash' }).waitFor();
    assert.match(await page.locator('.command').first().textContent(), /credwatch probe .*enkash$/);
    await page.getByRole('link', { name: '← All providers' }).click();
    await page.waitForURL((url) => url.pathname === '/');
    await clean(what);
    await close();
  }
  // With JavaScript, the page searches while the user types.
  const { page, clean, close } = await open('/');
  await page.evaluate(() => (globalThis.sameDocument = true));
  await page.getByRole('searchbox').pressSequentially('p-00');
  await page.locator('.narrowed', { hasText: '10 of 132' }).waitFor();
  assert.equal(new URL(page.url()).search, '?q=p-00');
  assert.ok(await page.evaluate(() => globalThis.sameDocument && document.activeElement.id === 'q'));
  await page.locator('#announcement', { hasText: '10 providers found' }).waitFor({ state: 'attached' });
  await clean('while typing');
  await close();
}

/** The page updates itself, and shows a warning while it cannot reach the daemon. */
export async function renew({ open, outside }) {
  const { page, clean, accessible, close } = await open('/', { viewport: { width: 1280, height: 300 } });
  await page.evaluate(() => {
    globalThis.sameDocument = true;
    globalThis.row = document.querySelector('tr[data-key=enkash]');
    document.querySelector('tr[data-key=enkash] a.name').focus({ preventScroll: true });
    scrollTo(0, 150);
  });
  await outside('revoke');
  await page.locator('tr[data-key=enkash].refused').waitFor();
  assert.match(await page.title(), /^1 refused/);
  await page.locator('#announcement', { hasText: '1 credential is refused.' }).waitFor({ state: 'attached' });
  const kept = await page.evaluate(() => ({
    document: globalThis.sameDocument,
    // The same element has moved to the first row.
    row: globalThis.row === document.querySelector('tbody tr[data-key]'),
    focus: document.activeElement === globalThis.row.querySelector('a.name'),
    scroll: scrollY > 0,
    icon: document.querySelector('link[rel=icon]').getAttribute('href'),
  }));
  assert.deepEqual(kept, { document: true, row: true, focus: true, scroll: true, icon: './assets/trouble.svg' });

  // The daemon cannot be reached, then it can be reached again.
  await page.context().setOffline(true);
  await page.getByRole('alert').getByText(/cannot be reached/).waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.classList.contains('stale')));
  assert.match(await page.title(), /^\(old\) /);
  await accessible('a page that is old');
  await page.context().setOffline(false);
  await page.getByRole('alert').waitFor({ state: 'hidden' });
  assert.match(await page.title(), /^1 refused/);
  await outside('restore');
  await page.locator('tr[data-key=enkash].healthy').waitFor();
  await page.getByRole('heading', { name: /All .* healthy/ }).waitFor();
  assert.ok(await page.evaluate(() => globalThis.sameDocument));
  await clean('after it was out of reach', [/ERR_INTERNET_DISCONNECTED/]);
  await close();

  await unattended(open);

  const last = await open('/providers/enkash');
  await outside('stop');
  await last.page.getByRole('alert').getByText(/cannot be reached.*This page is old/).waitFor();
  await last.close();
}

/** A paused or hidden page sends no requests. The test moves the page's clock, so that it does not wait for minutes. */
async function unattended(open) {
  const { page, close } = await open('/reasons');
  await page.clock.install();
  await page.goto(page.url().replace('/reasons', '/'));
  let asked = 0;
  page.on('request', (request) => request.resourceType() === 'xhr' && (asked += 1));
  const renewed = async () => {
    const done = page.waitForEvent('requestfinished');
    await page.clock.runFor(5_100);
    await done;
  };
  await renewed();
  assert.equal(asked, 1);
  await page.getByRole('button', { name: 'Pause updates' }).click();
  await page.clock.runFor(60_000);
  assert.equal(asked, 1, 'paused');
  const resumed = page.waitForEvent('requestfinished');
  await page.getByRole('button', { name: 'Resume updates' }).click();
  await resumed;
  const hide = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  await page.clock.runFor(60_000);
  assert.equal(asked, 2, 'hidden');
  const back = page.waitForEvent('requestfinished');
  await hide(false);
  await back;
  assert.equal(asked, 3, 'a page that becomes visible again updates at once');
  await close();
}

/** Markup in texts from configuration, providers and addresses is shown as text. */
export async function hostile({ open }) {
  for (const viewport of [DESKTOP, PHONE]) {
    const overview = await open('/', { viewport });
    const rows = await overview.page.locator('tbody tr[data-key]').count();
    assert.ok(rows >= 6, 'the overview has rows');
    await inert(overview, `overview ${viewport.width}`);
    const text = await overview.page.locator('main').textContent();
    for (const part of ['<script>executed=1</script>', '<img src=x onerror=executed=1>', '"><svg onload=executed=1>', '[U+202E]', "'-executed-'"]) {
      assert.ok(text.includes(part), `${part} is there to be read`);
    }
    const paths = await overview.page.locator('tbody .name').evaluateAll((links) => links.map((link) => link.href));
    assert.equal(paths.length, rows);
    for (const path of paths) {
      const one = await open(new URL(path).pathname + new URL(path).search, { viewport });
      assert.equal(await one.page.locator('h1').count(), 1);
      await one.page.locator('.command').first().waitFor();
      for (const details of await one.page.locator('details').all()) await details.locator('summary').click();
      await inert(one, `${path} ${viewport.width}`);
      // All pages of providers have the same structure, so axe checks only the first.
      if (path === paths[0]) await one.accessible(`${path} ${viewport.width}`);
      await one.close();
    }
    // Markup in the address of the page.
    for (const query of ['/?q=%22%3E%3Cscript%3Eexecuted%3D1%3C/script%3E', '/?label=%22%3E%3Cimg%20src=x%20onerror=executed=1%3E%3D%00', '/providers?name=..']) {
      const one = await open(query, { viewport });
      await inert(one, query);
      await one.close();
    }
    const refused = await open('/?state=%3Cscript%3Eexecuted%3D1%3C/script%3E', { viewport });
    await inert(refused, 'an unknown filter', [/status of 400/]);
    await refused.close();
    // The script of the page also inserts the texts. It must insert them as text too.
    await overview.page.evaluate(() => (document.getElementById('main').dataset.summary = ''));
    await overview.page.locator('#announcement', { hasText: 'refused' }).waitFor({ state: 'attached' });
    await inert(overview, 'renewed');
    await overview.close();
  }
}

/** Fails when a payload ran, or when the page has an element or attribute that could run one. */
async function inert({ page, clean }, what, expected = []) {
  await clean(what, expected);
  assert.equal(await executed(page), undefined, what);
  const strange = await page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .filter((element) => ['script', 'img', 'iframe', 'object', 'embed', 'i'].includes(element.localName) || [...element.attributes].some(({ name }) => name.startsWith('on') || name === 'style'))
      .map((element) => element.outerHTML)
      .filter((html) => !/^<script src="[./]+assets\/page\.js" defer=""><\/script>$/.test(html)),
  );
  assert.deepEqual(strange, [], what);
}
