// A real browser on the pages of a running daemon: for tests/outside/browser.rs.
//
// `node drive.mjs SCENARIO ADDRESS` ends with `pass`, or with an error and status 1. When something must happen outside of
// the browser it prints `do WHAT` and waits for a line. Ends when its standard input is closed, as happens when the test
// dies, and in any case after four minutes.

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
lines.on('close', () => fail('whoever started this is gone'));

/** Has the test do something outside of the browser. */
const outside = (what) =>
  new Promise((resolve) => {
    answers.push(resolve);
    console.log(`do ${what}`);
  });

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  // Nothing of Chromium's own goes out. Root, as in a container, cannot have the sandbox.
  args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
});

/** A page that keeps account of what no page may do. */
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
    /** Whether it did nothing that no page may do, and fits its window. */
    async clean(what, expected = []) {
      const violations = options.javaScriptEnabled === false ? [] : await page.evaluate(() => globalThis.violations);
      const known = (fault) => expected.some((pattern) => pattern.test(fault));
      assert.deepEqual([...faults, ...violations].filter((fault) => !known(fault)), [], what);
      const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= window, `${what}: ${wide} pixels wide in a window of ${window}`);
    },
    /** Whether axe finds nothing against it. */
    async accessible(what) {
      await page.evaluate(AXE);
      const found = await page.evaluate(() => globalThis.axe.run(document));
      assert.ok(found.passes.length > 15, `${what}: axe looked at something`);
      const told = found.violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.html).join('\n  ')}`);
      assert.deepEqual(told, [], what);
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
