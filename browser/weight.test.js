'use strict';
// What a page costs once the assets are in the browser's cache, and where the focus is after a part of a page was swapped.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { call, customers, file } = require('./data.js');
const { launch, open } = require('./visitor.js');
const { done } = require('./story.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const mostBytes = 60_000;
const mostRequests = 3;

// weigh opens a page and returns its requests over the network and their bytes, with headers and as compressed.
async function weigh (ann, path) {
  const network = await ann.context.newCDPSession(ann.page);
  await network.send('Network.enable');
  const cached = new Set();
  const sizes = new Map();
  network.on('Network.requestServedFromCache', event => cached.add(event.requestId));
  network.on('Network.responseReceived', event => { if (event.response.fromDiskCache) cached.add(event.requestId); });
  network.on('Network.loadingFinished', event => sizes.set(event.requestId, event.encodedDataLength));
  await ann.to(path);
  await ann.page.waitForLoadState('networkidle');
  await network.detach();
  const fetched = [...sizes].filter(([id]) => !cached.has(id)).map(([, bytes]) => bytes);
  return { requests: fetched.length, bytes: fetched.reduce((sum, bytes) => sum + bytes, 0) };
}

test('pages are light', async () => {
  const ann = await open(browser, { thorough: false });
  await ann.signIn();
  await ann.press('Include sample data');
  await ann.until(done);
  const job = ann.path();
  const [{ uuid: source }] = (await call('GET', '/v1/data_sources')).data_sources;
  const [{ uuid: customer }] = (await call('GET', '/v1/customers?per_page=1')).entries;
  const weights = {};
  for (const path of [
    '/sources', '/sources/new', '/customers', `/customers/${customer}`, `/customers/${customer}/edit`, '/jobs', job, `${job}/changes`, '/keys', '/settings', '/receipts',
    ...['customers', 'contacts', 'invoices', 'line_items', 'transactions', 'subscription_events', 'plans', 'imports', 'settings', 'import', 'export', 'edits'].map(tab => `/sources/${source}/${tab}`),
    `/erase?selection=source&source=${source}`
  ]) {
    weights[path] = await weigh(ann, path);
  }
  console.log(JSON.stringify(weights, null, 1).replace(/\n\s+"(requests|bytes)/g, ' "$1').replace(/\n\s*}/g, ' }'));
  for (const [path, { requests, bytes }] of Object.entries(weights)) {
    assert.ok(requests >= 1 && requests <= mostRequests, `${path}: ${requests} requests`);
    assert.ok(bytes <= mostBytes, `${path}: ${bytes} bytes`);
  }
  await ann.close();
});

test('the focus stays where it is when files are read with other settings', async () => {
  const source = await call('POST', '/v1/data_sources', { name: 'Focus' });
  const ann = await open(browser, { thorough: false });
  await ann.signIn();
  await ann.to(`/sources/${source.uuid}/import`);
  const kunden = file('kunden.csv', [['Name', 'Email', 'External ID'], ['J_rgen', 'j@example.com', 'c1']]);
  kunden.buffer[kunden.buffer.indexOf('_')] = 0xfc; // ü in Windows-1252
  await ann.attach('Files', [kunden, customers()]);
  await ann.press('Next');
  const [encoding] = await ann.page.getByLabel('Encoding').all();
  await encoding.focus();
  const id = await encoding.getAttribute('id');
  const answer = ann.page.waitForResponse(response => response.request().headers()['hx-request'] === 'true');
  await encoding.selectOption({ label: await encoding.locator('option').last().textContent() });
  await (await answer).finished();
  await ann.page.waitForFunction(() => !document.querySelector('.htmx-request'));
  assert.equal(await ann.page.evaluate(() => document.activeElement.id), id);
  await ann.arrived();
  await ann.close();
});
