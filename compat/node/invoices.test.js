'use strict';
const test = require('node:test');
const { ChartMogul, assert, config, newSource, newCustomer, newPlan, invoice, newInvoices, bystander, refused, missing, pages } = require('./reseed');
const { Invoice, LineItem, Transaction } = ChartMogul;

// billed makes a customer with a plan and invoices of the given external ids.
async function billed (...ids) {
  const source = await newSource();
  const customer = await newCustomer(source, 'ann');
  const plan = await newPlan(source, 'gold');
  const invoices = await newInvoices(customer, ...ids.map((id) => invoice(id, plan)));
  return { source, customer, plan, invoices, named: (id) => ({ data_source_uuid: source.uuid, external_id: id }) };
}

const retrieve = (bill, query) => Invoice.retrieve(config, bill.uuid, query);

test('invoices', async (t) => {
  const unharmed = await bystander();
  const { source, customer, plan, invoices, named } = await billed('i1', 'i2', 'i3', 'i4', 'i5');
  const [first, second, third, fourth, fifth] = invoices;

  await t.test('are created with line items and transactions', async () => {
    const { uuid, line_items: [line, extra], transactions: [paid], ...rest } = first;
    assert.match(uuid, /^inv_/);
    assert.deepEqual(rest, { external_id: 'i1', date: '2025-01-01T00:00:00.000Z', due_date: '2025-01-15T00:00:00.000Z', currency: 'EUR', errors: {} });
    const sent = invoice('i1', plan);
    const tail = { account_code: '', discount_description: null, event_order: null, transaction_fees_currency: null, transaction_fees_in_cents: 0 };
    assert.match(line.uuid, /^li_/);
    assert.match(line.subscription_uuid, /^sub_/);
    assert.deepEqual(line, {
      ...sent.line_items[0], ...tail, uuid: line.uuid, subscription_uuid: line.subscription_uuid, prorated: false, proration_type: null
    });
    assert.deepEqual(extra, {
      ...sent.line_items[1], ...tail, uuid: extra.uuid, quantity: 1, discount_code: '', discount_amount_in_cents: 0, tax_amount_in_cents: 0
    });
    assert.match(paid.uuid, /^tr_/);
    assert.deepEqual(paid, { ...sent.transactions[0], uuid: paid.uuid, transaction_fees_in_cents: null, transaction_fees_currency: null });
  });
  await t.test('are retrieved, and listed page by page', async () => {
    const got = await retrieve(first);
    assert.deepEqual([got.uuid, got.customer_uuid, got.line_items.length, got.transactions.length], [first.uuid, customer.uuid, 2, 1]);
    const ids = ['i1', 'i2', 'i3', 'i4', 'i5'];
    const external = (list) => list.map((i) => i.external_id).sort();
    assert.deepEqual(external(await pages('invoices', (q) => Invoice.all(config, { customer_uuid: customer.uuid, ...q }))), ids);
    assert.deepEqual(external(await pages('invoices', (q) => Invoice.all(config, { data_source_uuid: source.uuid, ...q }))), ids);
    assert.deepEqual(external(await pages('invoices', (q) => Invoice.all(config, customer.uuid, q))), ids);
    assert.equal((await Invoice.all(config, customer.uuid)).customer_uuid, customer.uuid);
    assert.equal((await Invoice.all(config, { customer_uuid: customer.uuid, validation_type: 'all' })).invoices.length, 5);
    assert.deepEqual((await Invoice.all(config, { customer_uuid: customer.uuid, validation_type: 'invalid' })).invoices, []);
    assert.deepEqual((await Invoice.all(config, named('i2'))).invoices, [await retrieve(second)]);
  });
  await t.test('are changed by uuid and by external id', async () => {
    assert.equal((await Invoice.modify(config, first.uuid, { currency: 'USD' })).currency, 'USD');
    assert.equal((await Invoice.update(config, { qs: named('i1'), due_date: '2025-01-20' })).due_date, '2025-01-20T00:00:00.000Z');
    const got = await retrieve(first, { include_edit_histories: true });
    assert.deepEqual([got.currency, got.due_date], ['USD', '2025-01-20T00:00:00.000Z']);
    await Invoice.modify(config, first.uuid, { qs: { handle_as_user_edit: true }, currency: 'GBP' });
    const { edit_history_summary: edits } = await retrieve(first, { include_edit_histories: true });
    assert.deepEqual(edits.values_changed, { currency: { original_value: 'USD', edited_value: 'GBP' } });
    await refused(422, Invoice.modify(config, first.uuid, { currency: 'gold' }));
    await missing(Invoice.update(config, { qs: named('nowhere'), currency: 'USD' }));
  });
  await t.test('are disabled and enabled by uuid and by external id', async () => {
    assert.equal((await Invoice.disable(config, second.uuid)).disabled, true);
    await missing(retrieve(second));
    assert.equal((await retrieve(second, { with_disabled: true })).disabled, true);
    assert.equal((await Invoice.enable(config, second.uuid)).disabled, false);
    assert.equal((await Invoice.disableByExternalId(config, named('i2'))).disabled, true);
    assert.equal((await Invoice.enableByExternalId(config, named('i2'))).disabled, false);
    assert.equal((await retrieve(second)).disabled, false);
  });
  await t.test('are voided', async () => {
    assert.equal((await Invoice.updateStatus(config, source.uuid, 'i3', { status: 'voided' })).message, 'Invoice updated');
    assert.equal((await retrieve(third)).status, 'voided');
    const body = await refused(422, Invoice.updateStatus(config, source.uuid, 'i3', { status: 'paid' }));
    assert.deepEqual(body, { message: 'Status transition is not allowed' });
  });
  await t.test('are refused one by one', async () => {
    const bad = { ...invoice('bad', plan), currency: 'gold' };
    const body = await refused(422, Invoice.create(config, customer.uuid, { invoices: [bad] }));
    assert.equal(typeof body.invoices[0].errors.currency, 'string');
    await missing(Invoice.create(config, 'cus_nowhere', { invoices: [invoice('x', plan)] }));
    assert.deepEqual(await missing(retrieve({ uuid: 'inv_nowhere' })), { error: 'Invoice not found' });
  });
  await t.test('are erased by uuid, by external id, and with their customer', async () => {
    assert.deepEqual(await Invoice.destroy(config, fourth.uuid), {});
    await missing(retrieve(fourth));
    assert.deepEqual(await Invoice.destroyByExternalId(config, { qs: named('i5') }), {});
    await missing(retrieve(fifth));
    assert.equal((await Invoice.all(config, customer.uuid)).invoices.length, 3);
    assert.deepEqual(await Invoice.destroyAll(config, source.uuid, customer.uuid), {});
    assert.deepEqual((await Invoice.all(config, customer.uuid)).invoices, []);
    assert.equal((await ChartMogul.Customer.retrieve(config, customer.uuid)).uuid, customer.uuid);
  });
  await unharmed();
});

const kinds = [{
  name: 'line items',
  of: LineItem,
  key: 'line_items',
  first: 'i-line',
  order: { type: 'one_time', external_id: 'new', amount_in_cents: 700, description: 'More' },
  bad: { type: 'one_time', amount_in_cents: 'much' }
}, {
  name: 'transactions',
  of: Transaction,
  key: 'transactions',
  first: 'i-paid',
  order: { type: 'refund', external_id: 'new', amount_in_cents: 700, result: 'failed', date: '2025-01-03T00:00:00.000Z' },
  bad: { type: 'refund', date: '2025-01-03', result: 'perhaps' }
}];
for (const kind of kinds) {
  test(kind.name, async (t) => {
    const unharmed = await bystander();
    const { invoices: [bill], named } = await billed('i');
    const made = await kind.of.create(config, bill.uuid, kind.order);

    await t.test('are created and retrieved', async () => {
      for (const [name, value] of Object.entries(kind.order)) assert.equal(made[name], value);
      assert.equal((await retrieve(bill))[kind.key].length, bill[kind.key].length + 1);
      const got = await kind.of.retrieve(config, made.uuid);
      assert.deepEqual([got.uuid, got.external_id, got.amount_in_cents], [made.uuid, 'new', 700]);
      assert.deepEqual(await kind.of.all(config, named('new')), got);
    });
    await t.test('are changed by uuid and by external id', async () => {
      assert.equal((await kind.of.modify(config, made.uuid, { amount_in_cents: 800 })).amount_in_cents, 800);
      assert.equal((await kind.of.update(config, { qs: named('new'), transaction_fees_in_cents: 9 })).transaction_fees_in_cents, 9);
      const got = await kind.of.retrieve(config, made.uuid, { include_edit_histories: true });
      assert.deepEqual([got.amount_in_cents, got.transaction_fees_in_cents], [800, 9]);
    });
    await t.test('are disabled and enabled by uuid and by external id', async () => {
      for (const name of [made.uuid, named('new')]) {
        assert.equal((await kind.of.disable(config, name)).disabled, true);
        await missing(kind.of.retrieve(config, made.uuid));
        assert.equal((await kind.of.retrieve(config, made.uuid, { with_disabled: true })).disabled, true);
        assert.equal((await kind.of.enable(config, name)).disabled, false);
      }
      assert.equal((await kind.of.disableByExternalId(config, named('new'))).disabled, true);
      assert.equal((await kind.of.enableByExternalId(config, named('new'))).disabled, false);
      assert.equal((await kind.of.retrieve(config, made.uuid)).disabled, false);
    });
    await t.test('are refused', async () => {
      const body = await refused(422, kind.of.create(config, bill.uuid, kind.bad));
      assert.equal(typeof body.errors, 'object');
      await missing(kind.of.create(config, 'inv_nowhere', kind.order));
      await missing(kind.of.retrieve(config, 'li_nowhere'));
      await missing(kind.of.all(config, named('nowhere')));
      await refused(400, kind.of.all(config, { external_id: 'new' }));
    });
    await t.test('are removed by uuid and by external id', async () => {
      assert.deepEqual(await kind.of.destroy(config, made.uuid), {});
      await missing(kind.of.retrieve(config, made.uuid));
      assert.deepEqual(await kind.of.destroyByExternalId(config, { qs: named(kind.first) }), {});
      const left = (await retrieve(bill))[kind.key].map((part) => part.external_id);
      assert.deepEqual(left, bill[kind.key].map((part) => part.external_id).filter((id) => id !== kind.first));
    });
    await unharmed();
  });
}
