'use strict';
// A billing system: connected, previewed, imported, and read again, with a mouse, and the connecting without scripts, too. The server has an account of Stripe beside it.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { launch, open } = require('./visitor.js');
const { waits, done } = require('./story.js');
const { call } = require('./data.js');

const key = 'rk_test_51Bystander';


let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// connect goes from the choice of systems to the settings of one that is connected.
async function connect (ann, name) {
  await ann.to('/sources/new');
  await ann.press('Next: Stripe');
  await ann.fill('Name', name);
  await ann.fill('Restricted key', 'rk_test_wrong');
  await ann.press('Next');
  await ann.reads('Nothing was stored', 'refuses the key');
  assert.equal(await (await ann.field('Restricted key')).inputValue(), '', 'a key is shown again');
  await ann.fill('Restricted key', key);
  await ann.press('Next');
  await ann.reads('The credentials are good', 'World Ltd.', 'test mode', 'Nothing is imported by that');
}

test('a Stripe account is connected, imported and read again', async () => {
  const ann = await open(browser);
  await ann.signIn();
  await connect(ann, 'Stripe EU');
  const source = ann.path().split('/')[2];
  await ann.press('See what would be imported');
  await ann.until(waits);
  await ann.reads('0 rejected');
  assert.equal((await call('GET', `/v1/customers?data_source_uuid=${source}`)).entries.length, 0, 'a preview writes nothing');
  await ann.press('Import');
  await ann.until(done);

  const [customer] = (await call('GET', `/v1/customers?data_source_uuid=${source}`)).entries;
  await ann.to(`/customers/${customer.uuid}`);
  await ann.press('Re-sync this customer');
  await ann.until(/waits for you|done/);
  await ann.reads('0 removed');

  await ann.to(`/sources/${source}/settings`);
  await ann.tick('Leave out void invoices');
  await ann.press('Save', ann.page.locator('form[action$="/mapping"]'));
  await ann.reads('It counts from the next re-sync on');
  await ann.press('Reprocess now');
  await ann.until(/waits for you|done/);
  await ann.to(`/sources/${source}/settings`);
  await ann.press('Check the credentials');
  await ann.reads('The credentials are good');
  await ann.close();
});

test('an account is connected without scripts on a phone', async () => {
  const ann = await open(browser, { javaScriptEnabled: false, thorough: false, viewport: { width: 390, height: 800 } });
  await ann.signIn();
  await connect(ann, 'Stripe on a phone');
  await ann.close();
});
