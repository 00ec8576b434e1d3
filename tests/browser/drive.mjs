// Runs one scenario in Chromium against the pages of a running daemon, for tests/outside/browser.rs.
//
// `node drive.mjs SCENARIO ADDRESS` prints `pass`, or an error and exits with status 1. When the test must do something
// outside the browser, the script prints `do WHAT` and waits for a line on standard input. The script ends when standard
// input is closed, which happens when the test dies, and after four minutes at most.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

import * as scenarios from './scenarios.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const [name, address] = process.argv.slice(2);
const base = `http://${address}`;
const fail = (error) => {
  console.error(error);
  process.exit(1);
};
setTimeout(() => fail('the browser test has taken longer than four minutes'), 4 * 60 * 1000).unref();

const answers = [];
const lines = createInterface({ input: process.stdin });
lines.on('line', () => answers.shift()?.());
lines.on('close', () => fail('standard input was closed: the test has ended'));

/** Asks the test to do `what` outside the browser, and waits until it is done. */
const outside = (what) =>
  new Promise((resolve) => {
    answers.push(resolve);
    console.log(`do ${what}`);
  });

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  // Chromium sends no requests of its own. Its sandbox does not work for root, which is the user in a container.
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
});

/** Opens a page and records everything that a page must not do. */
async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => faults.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => faults.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== base && protocol !== 'data:') faults.push(`request: ${request.url()}`);
  });
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(base + path);
  return {
    page,
    faults,
    /** Fails when the page did something that it must not do, or is wider than its window. */
    async clean(what, expected = []) {
      const violations = options.javaScriptEnabled === false ? [] : await page.evaluate(() => globalThis.violations);
      const known = (fault) => expected.some((pattern) => pattern.test(fault));
      assert.deepEqual([...faults, ...violations].filter((fault) => !known(fault)), [], what);
      const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= window, `${what}: ${wide} pixels wide in a window of ${window}`);
    },
    /** Fails when axe finds a fault in the accessibility of the page. */
    async accessible(what) {
      await page.evaluate(AXE);
      const found = await page.evaluate(() => globalThis.axe.run(document));
      assert.ok(found.passes.length > 15, `${what}: axe checked too few rules`);
      const violations = found.violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.html).join('\n  ')}`);
      assert.deepEqual(violations, [], what);
    },
    close: () => context.close(),
  };
}

try {
  assert.ok(scenarios[name], `there is no scenario ${name}`);
  await scenarios[name]({ open, outside });
  await browser.close();
  console.log('pass');
  process.exit(0);
} catch (error) {
  fail(error);
}
