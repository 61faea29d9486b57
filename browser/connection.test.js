'use strict';
// The server does not answer while a page asks it how far a job is.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { call, csv } = require('./data.js');
const { launch, open } = require('./visitor.js');
const { done } = require('./story.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// beginImport sends so many customers that their import goes on for a while.
async function beginImport () {
  const source = await call('POST', '/v1/data_sources', { name: 'Large' });
  const rows = [['Name', 'Email', 'External ID'], ...Array.from({ length: 100_000 }, (_, i) => [`Customer ${i}`, `c${i}@example.com`, `c${i}`])];
  const form = new FormData();
  form.append('file', new Blob([csv(rows)]), 'customers.csv');
  const headers = { Authorization: 'Basic ' + btoa(process.env.RESEED_API_KEY + ':') };
  const response = await fetch(`${process.env.RESEED_URL}/v1/data_sources/${source.uuid}/imports`, { method: 'POST', headers, body: form });
  assert.ok(response.ok, String(response.status));
  return (await response.json()).id;
}

test('the page says that the server does not answer, and goes on when it does', async () => {
  const ann = await open(browser, { thorough: false });
  await ann.signIn();
  const asks = '**/progress?*';
  await ann.page.route(asks, route => route.abort());
  await ann.to(`/jobs/${await beginImport()}`);
  const says = ann.page.locator('#connection');
  await says.filter({ hasText: 'The server does not answer' }).waitFor();
  assert.ok(ann.complaints.every(c => /htmx:error|net::ERR_FAILED/.test(c)), ann.complaints.join('\n'));
  await ann.page.unroute(asks);
  await ann.page.waitForFunction(() => document.getElementById('connection').textContent === '');
  ann.complaints.length = 0;
  await ann.until(done);
  await ann.reads('100 000 added');
});
