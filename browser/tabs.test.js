'use strict';
// Two tabs that race: what one has shown, the other has changed meanwhile.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { call, customers, plans } = require('./data.js');
const { launch, open } = require('./visitor.js');
const { preview, done } = require('./story.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// twoTabs opens two tabs of one browser that is signed in, and a source with one customer.
async function twoTabs () {
  const source = await call('POST', '/v1/data_sources', { name: 'Race ' + Math.random() });
  const customer = await call('POST', '/v1/customers', { data_source_uuid: source.uuid, external_id: 'c001', name: 'Ann', email: 'ann@example.com' });
  const one = await open(browser, { thorough: false });
  await one.signIn();
  return { source, customer, one, two: await one.tab() };
}

const count = async source => (await call('GET', `/v1/customers?data_source_uuid=${source.uuid}&per_page=200`)).entries.length;

test('an erase does what its page has shown, or nothing', async () => {
  const { source, one, two } = await twoTabs();
  await one.to(`/erase?selection=content&source=${source.uuid}&grace=24h`);
  await two.to(`/sources/${source.uuid}/customers/new`);
  await two.fill(/^Name/, 'Bob');
  await two.fill(/^External ID/, 'c002');
  await two.press('New customer', two.page.locator('main form'));
  assert.equal(await count(source), 2);
  await one.press('Empty this data source');
  await one.reads('Nothing was deleted', 'was 1');
  assert.equal(await count(source), 2);
  await one.press('Empty this data source');
  await one.until(/restorable until/);
  assert.equal(await count(source), 0);
  await two.context.close();
});

test('an erase that both tabs confirm is carried out once', async () => {
  const { source, one, two } = await twoTabs();
  const page = `/erase?selection=content&source=${source.uuid}&grace=24h`;
  await one.to(page);
  await two.to(page);
  await one.press('Empty this data source');
  await one.until(/restorable until/);
  const job = one.path();
  await two.press('Empty this data source');
  if (two.path() !== job) await two.reads('Nothing was deleted');
  assert.equal((await call('GET', `/v1/jobs?source=${source.uuid}&kind=erase`)).jobs.length, 1);
  await two.context.close();
});

test('a preview that another import has overtaken writes nothing', async () => {
  const { source, one, two } = await twoTabs();
  await preview(one, source.uuid, customers());
  await preview(two, source.uuid, customers({ c001: ['Overtaken', 'c001@example.com', 'DE', 'c001'] }));
  await two.press('Import');
  await two.until(done);
  await one.press('Import');
  await one.until(/✕ failed/);
  const { entries } = await call('GET', `/v1/customers?data_source_uuid=${source.uuid}&external_id=c001`);
  assert.equal(entries[0].name, 'Overtaken');
  await two.context.close();
});

test('an import that both tabs start runs once', async () => {
  const { source, one, two } = await twoTabs();
  await preview(one, source.uuid, plans());
  await two.to(one.path());
  await one.press('Import');
  await one.until(done);
  await two.press('Import');
  await two.reads(/done|ended|not a plan|already/);
  assert.equal((await call('GET', `/v1/plans?data_source_uuid=${source.uuid}`)).plans.length, 1);
  await two.context.close();
});

test('an edit of a value that the other tab has changed is not lost in silence', async () => {
  const { customer, one, two } = await twoTabs();
  await one.to(`/customers/${customer.uuid}/edit`);
  await two.to(`/customers/${customer.uuid}/edit`);
  await one.fill(/^City/, 'Bremen');
  await one.press('Save');
  await two.fill(/^Company/, 'Acme');
  await two.press('Save');
  await two.to(`/customers/${customer.uuid}`);
  await two.reads('Bremen', 'Acme');
  await two.context.close();
});

test('a tab whose browser was signed out in the other goes to the sign-in page, and back', async () => {
  const { source, one, two } = await twoTabs();
  await two.to(`/sources/${source.uuid}`);
  await one.press('Sign out');
  await two.press('Settings', two.page.locator('main .actions').first());
  await two.reads('API key');
  await two.fill('API key', process.env.RESEED_API_KEY);
  await two.press('Sign in');
  assert.equal(two.path(), `/sources/${source.uuid}/settings`);
  await two.context.close();
});
