'use strict';
// The console as it is deployed: behind API Gateway, with its functions and its bucket.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { call, bystander } = require('./data.js');
const { launch, open } = require('./visitor.js');
const { search, done } = require('./story.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('the console of the functions', async () => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // the certificate of the stand-in is its own
  const ann = await open(browser, { thorough: false });
  await ann.signIn();
  const [cookie] = (await ann.context.cookies()).filter(cookie => cookie.name.endsWith('reseed'));
  assert.ok(cookie.name === '__Host-reseed' && cookie.secure && cookie.httpOnly, JSON.stringify(cookie));
  await ann.reads('There is no data source yet');
  await ann.press('Include sample data');
  await ann.until(done);
  const untouched = await bystander();
  await ann.menu('Data Sources');
  await ann.reads('Sample company', '200 customers');
  await ann.press('Sample company');
  await ann.press('Next');
  const sample = ann.path().split('/')[2];
  await search(ann, 'nora.grant1@example.com');
  await ann.press('Nora Grant');
  await ann.fill('Add a tag', 'vip');
  await ann.press('Add');
  await ann.reads('The tag vip was added');
  await ann.press('Edit');
  await ann.fill('City', 'Leith');
  await ann.press('Save');
  await ann.reads('changed by hand');
  for (const page of ['Activity', 'Receipts', 'API keys', 'Settings']) await ann.menu(page);
  for (const page of ['imports', 'settings', 'import', 'export', 'edits']) await ann.to(`/sources/${sample}/${page}`);
  await ann.to(`/erase?selection=source&source=${sample}`);
  await ann.fill(/^Type the name/, 'Sample company');
  await ann.press('Delete this data source');
  await ann.until(done);
  await ann.press('Receipt');
  await ann.reads('Digest of the keys');
  assert.equal((await call('GET', '/v1/data_sources')).data_sources.length, 1);
  await untouched();
  await ann.close();
});
