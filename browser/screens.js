'use strict';
// Pictures of the main pages, for the README: make screens.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { customers } = require('./data.js');
const { launch, open } = require('./visitor.js');
const { preview, search, done } = require('./story.js');

const folder = process.env.RESEED_TEST_SCREENS;
let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

async function picture (ann, name) {
  const file = path.join(folder, name + '.png');
  await ann.page.evaluate(() => scrollTo(0, 0));
  await ann.page.screenshot({ path: file, animations: 'disabled', caret: 'hide' });
  assert.ok(fs.statSync(file).size <= 150_000, `${file} has ${fs.statSync(file).size} bytes`);
}

test('pictures', async () => {
  fs.mkdirSync(folder, { recursive: true });
  const ann = await open(browser, { thorough: false, colorScheme: 'light' });
  await ann.signIn();
  await ann.press('Include sample data');
  await ann.until(done);
  await ann.menu('Data Sources');
  await picture(ann, 'sources');
  await ann.press('Sample company');
  await picture(ann, 'source');
  const sample = ann.path().split('/')[2];
  await preview(ann, sample, customers({ c001: ['Customer 001', 'no address', 'DE', 'c001'] }));
  await picture(ann, 'preview');
  await ann.press('Import');
  await ann.until(done);
  await search(ann, 'nora.grant1@example.com');
  await ann.press('Nora Grant');
  await ann.fill('Add a tag', 'vip');
  await ann.press('Add');
  await ann.press('Edit');
  await ann.fill('City', 'Leith');
  await ann.press('Save');
  await picture(ann, 'customer');
  await ann.menu('Activity');
  await picture(ann, 'activity');
  await ann.to(`/erase?selection=source&source=${sample}`);
  await picture(ann, 'erase');
  await ann.fill(/^Type the name/, 'Sample company');
  await ann.press('Delete this data source');
  await ann.until(done);
  await ann.press('Receipt');
  await picture(ann, 'receipt');
  await ann.close();
});
