'use strict';
// Names that are scripts, as long as can be, right to left or formulas: each page shows them as text, and holds its layout.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { call } = require('./data.js');
const { launch, open } = require('./visitor.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const names = {
  script: '<script>window.hacked = 1</script>',
  attribute: '"><img src=x onerror=window.hacked=1>\'',
  address: 'javascript:window.hacked=1',
  template: '{{.Title}} ${1+1} &amp; &#60;b&#62;',
  long: 'W'.repeat(255),
  arabic: 'شركة الاختبار المحدودة \u202egnp.exe',
  emoji: '👩‍👩‍👧‍👦 🏳️‍🌈 Z̸̢͎̈́a̷lgo',
  formula: "=cmd|' /C calc'!A0",
  'only spaces around': '  two  spaces  '
};

// id is the name as an external id, which has no invisible characters.
const id = name => name.replace(/[\p{Cf}\uFE0F]/gu, '').trim().slice(0, 200);

// world makes a source of a hostile name, with records of that name.
async function world (name) {
  const source = await call('POST', '/v1/data_sources', { name });
  const customer = { data_source_uuid: source.uuid, external_id: id(name), name, company: name, city: name, email: 'ann@example.com' };
  const { uuid } = await call('POST', '/v1/customers', customer);
  await call('POST', '/v1/customers', { ...customer, external_id: 'other', email: 'bob@example.com' });
  await call('POST', `/v1/customers/${uuid}/attributes/tags`, { tags: [name.trim()] });
  await call('POST', `/v1/customers/${uuid}/attributes/custom`, { custom: [{ type: 'String', key: name.trim().slice(0, 100), value: name.trim() }] });
  await call('PATCH', `/v1/customers/${uuid}`, { company: name.slice(0, 250) + '!' });
  const plan = await call('POST', '/v1/plans', { data_source_uuid: source.uuid, external_id: 'plan', name, interval_count: 1, interval_unit: 'month' });
  await call('POST', `/v1/import/customers/${uuid}/invoices`, {
    invoices: [{
      external_id: id(name), date: '2026-01-31', currency: 'EUR', line_items: [{
        type: 'subscription', subscription_external_id: 's', plan_uuid: plan.uuid, service_period_start: '2026-01-31', service_period_end: '2026-02-28', amount_in_cents: 100, discount_code: name.slice(0, 100)
      }]
    }]
  });
  return { source: source.uuid, customer: uuid, query: encodeURIComponent(id(name)) };
}

// pages are those that show names; of those that end in a blank the name itself is not expected.
const pages = ({ source, customer, query }) => [
  '/sources', `/customers?q=${query}`, `/customers/${customer}`, `/customers/${customer}/edit`, `/customers/${customer}/merge`, `/customers/${customer}/merge?q=bob@example.com`,
  `/erase?selection=source&source=${source}`, `/erase?selection=content&source=${source}`, `/erase?selection=customer&id=${customer}`, `/sources/${source}/export`
];

for (const [kind, name] of Object.entries(names)) {
  test(kind, async () => {
    const ann = await open(browser, { thorough: false });
    await ann.signIn();
    for (const path of pages(await world(name))) {
      await ann.to(path);
      assert.ok(!(await ann.text()).startsWith('Not found'), `${path}: ${await ann.text()}`);
      const shown = await ann.page.evaluate(() => [document.body.textContent, ...[...document.querySelectorAll('input')].map(input => input.value)].join('\n'));
      assert.ok(shown.includes(name.trim().replace(/ {2}/g, ' ')) || shown.includes(name.trim()), `${await ann.where()} does not show ${name}:\n${shown}`);
      assert.equal(await ann.page.evaluate(() => window.hacked), undefined, path);
      for (const width of [320, 1280]) {
        await ann.page.setViewportSize({ width, height: 800 });
        await ann.arrived();
      }
    }
    await ann.close();
  });
}
