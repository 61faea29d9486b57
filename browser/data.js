'use strict';
// The files of the story, more rows than fit on a page, and a client of the API for what a story finds and leaves behind.
const assert = require('node:assert/strict');

const csv = rows => rows.map(cells => cells.map(cell => /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell).join(',') + '\n').join('');
const file = (name, rows) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(csv(rows)) });
const numbers = Array.from({ length: 120 }, (_, i) => String(i + 1).padStart(3, '0'));

// customers is the file of 120 customers, with some of them changed: by external id, to other cells or to none.
function customers (changes = {}) {
  const rows = numbers.map(n => changes[`c${n}`] || [`Customer ${n}`, `c${n}@example.com`, 'DE', `c${n}`]);
  return file('customers.csv', [['Name', 'Email', 'Country', 'External ID'], ...rows, ...(changes.more || [])]);
}

const plans = () => file('plans.csv', [['Name', 'Interval count', 'Interval unit', 'Plan ID'], ['Gold', '1', 'month', 'gold']]);
const invoices = () => file('invoices.csv', [
  ['Customer external ID', 'Invoice external ID', 'Invoiced date', 'Currency'],
  ...numbers.slice(0, 60).map(n => [`c${n}`, `i${n}`, '2026-01-31', 'EUR'])
]);
const lines = () => file('line_items.csv', [
  ['Invoice external ID', 'External ID', 'Type', 'Amount in cents', 'Plan', 'Service period start', 'Service period end', 'Subscription external ID'],
  ...numbers.slice(0, 60).map(n => [`i${n}`, `l${n}`, 'subscription', '1250', 'gold', '2026-01-31', '2026-02-28', `s${n}`])
]);

// call makes a request to the API, as a program does.
async function call (method, path, body) {
  const response = await fetch(process.env.RESEED_URL + path, {
    method,
    headers: { Authorization: 'Basic ' + btoa(process.env.RESEED_API_KEY + ':'), ...(body ? { 'Content-Type': 'application/json' } : {}) },
    body: body && JSON.stringify(body)
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

// bystander makes a source with a customer that is not manual. What it returns checks that both are as they were.
async function bystander () {
  const source = await call('POST', '/v1/data_sources', { name: 'Bystander' });
  const customer = await call('POST', '/v1/customers', { data_source_uuid: source.uuid, external_id: 'bystander', name: 'Bystander', email: 'bystander@example.com' });
  const read = () => call('GET', `/v1/customers/${customer.uuid}`);
  const before = await read();
  return async () => assert.deepEqual(await read(), before, 'the bystander changed');
}

module.exports = { customers, plans, invoices, lines, csv, file, call, bystander };
