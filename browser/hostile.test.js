'use strict';
// Names that are scripts, as long as can be, right to left or formulas: each page shows them as text, and holds its layout.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { call, csv } = require('./data.js');
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
  const job = await planOf(source, name);
  return { source: source.uuid, customer: uuid, job, query: encodeURIComponent(id(name)) };
}

// planOf is a preview of a file with the name in its cells, once in a row that is rejected.
async function planOf (source, name) {
  const form = new FormData();
  form.set('plan', 'true');
  form.set('file', new Blob([csv([['Name', 'Email', 'Company', 'External ID'], [name, 'ann@example.com', name, id(name)], ['New', 'new@example.com', name, 'new'], [name, 'no address', name, 'bad']])]), 'customers.csv');
  const headers = { Authorization: 'Basic ' + btoa(process.env.RESEED_API_KEY + ':') };
  const response = await fetch(`${process.env.RESEED_URL}/v1/data_sources/${source.uuid}/imports`, { method: 'POST', headers, body: form });
  assert.ok(response.ok, `${response.status}`);
  let job = await response.json();
  while (job.status === 'waiting' || job.status === 'running') job = await call('GET', `/v1/jobs/${job.id}`);
  assert.equal(job.status, 'planned', JSON.stringify(job));
  return job.id;
}

// pages are those that show names.
const pages = ({ source, customer, job, query }) => [
  '/sources', `/customers?q=${query}`, `/customers/${customer}`, `/customers/${customer}/edit`, `/customers/${customer}/merge`, `/customers/${customer}/merge?q=bob@example.com`,
  ...['customers', 'invoices', 'plans', 'edits', 'imports', 'settings', 'import', 'customers/new'].map(tab => `/sources/${source}/${tab}`),
  `/jobs?source=${source}`, `/jobs/${job}`, `/jobs/${job}/changes`, `/jobs/${job}/changes?action=changed`, `/jobs/${job}/rejects`, `/jobs/${job}/rejects?whole=yes`,
  `/erase?selection=source&source=${source}`, `/erase?selection=content&source=${source}`, `/erase?selection=customer&id=${customer}`, `/sources/${source}/export`
];

// A sample of them, unless all tests are wanted.
const sample = process.env.RESEED_TEST_ALL ? Object.keys(names) : ['script', 'long'];

for (const [kind, name] of Object.entries(names).filter(([kind]) => sample.includes(kind))) {
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
