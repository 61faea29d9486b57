'use strict';
// What the tests share: the client, pointed at the running Reseed that the environment names, and records that must survive.
const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const ChartMogul = require('chartmogul-node');

// connect returns the client's configuration with a key. An answer that asks to try again fails the test at once.
function connect (key) {
  const config = new ChartMogul.Config(key, process.env.RESEED_URL);
  config.retries = 0;
  return config;
}

const config = connect(process.env.RESEED_API_KEY);

const newSource = () => ChartMogul.DataSource.create(config, { name: 'Node ' + randomUUID() });

const newCustomer = (source, externalID, more) => ChartMogul.Customer.create(config, {
  data_source_uuid: source.uuid, external_id: externalID, name: 'Ann', ...more
});

const newPlan = (source, externalID) => ChartMogul.Plan.create(config, {
  data_source_uuid: source.uuid, external_id: externalID, name: 'Gold', interval_count: 1, interval_unit: 'month'
});

// invoice is one with a subscription, a single item and a payment, as it is sent. Its id is part of theirs.
const invoice = (id, plan) => ({
  external_id: id,
  date: '2025-01-01T00:00:00.000Z',
  due_date: '2025-01-15T00:00:00.000Z',
  currency: 'EUR',
  line_items: [{
    type: 'subscription',
    external_id: id + '-line',
    subscription_external_id: 'sub',
    plan_uuid: plan.uuid,
    service_period_start: '2025-01-01T00:00:00.000Z',
    service_period_end: '2025-02-01T00:00:00.000Z',
    amount_in_cents: 1000,
    quantity: 2,
    discount_code: 'NEW',
    discount_amount_in_cents: 100,
    tax_amount_in_cents: 190
  }, {
    type: 'one_time', external_id: id + '-extra', description: 'Setup', amount_in_cents: 500
  }],
  transactions: [{ external_id: id + '-paid', date: '2025-01-02T00:00:00.000Z', type: 'payment', result: 'successful', amount_in_cents: 1590 }]
});

async function newInvoices (customer, ...invoices) {
  return (await ChartMogul.Invoice.create(config, customer.uuid, { invoices })).invoices;
}

// bystander makes one record of each kind in a source of its own. What it returns checks that they are as they were.
async function bystander () {
  const source = await newSource();
  const customer = await newCustomer(source, 'bystander', { email: 'bystander@example.com', attributes: { tags: ['kept'] } });
  const plan = await newPlan(source, 'bystander');
  const [bill] = await newInvoices(customer, invoice('bystander', plan));
  const read = () => Promise.all([
    ChartMogul.DataSource.retrieve(config, source.uuid),
    ChartMogul.Customer.retrieve(config, customer.uuid),
    ChartMogul.Plan.retrieve(config, plan.uuid),
    ChartMogul.Invoice.retrieve(config, bill.uuid)
  ]);
  const before = await read();
  return async () => assert.deepEqual(await read(), before);
}

// refused checks that a call fails with a status, and returns the body of the answer. The client's own error classes never come:
// version 3 passes on the errors of superagent, which has made one of every answer above 299 already.
async function refused (status, promise) {
  const err = await promise.then(() => assert.fail('it was not refused'), (err) => err);
  assert.equal(err.status, status, err);
  return err.response.body;
}

const missing = (promise) => refused(404, promise);

// pages reads a list page by page until it has no more, and returns all records.
async function pages (key, list) {
  const all = [];
  let page = {};
  do {
    page = await list({ per_page: 2, ...(page.cursor && { cursor: page.cursor }) });
    assert.ok(page[key].length <= 2);
    all.push(...page[key]);
  } while (page.has_more);
  return all;
}

module.exports = { ChartMogul, assert, config, connect, newSource, newCustomer, newPlan, invoice, newInvoices, bystander, refused, missing, pages };
