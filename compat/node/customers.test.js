'use strict';
const test = require('node:test');
const { ChartMogul, assert, config, newSource, newCustomer, bystander, refused, missing, pages } = require('./reseed');
const { Customer, CustomAttribute, Tag } = ChartMogul;

const retrieve = (customer) => Customer.retrieve(config, customer.uuid);

test('customers', async (t) => {
  const unharmed = await bystander();
  const source = await newSource();
  const email = source.uuid + '@example.com';
  const customer = await newCustomer(source, 'ann', {
    email,
    company: 'Ann & Sons',
    country: 'US',
    state: 'US-CA',
    city: 'Fresno',
    zip: '93650',
    lead_created_at: '2024-01-01T00:00:00.000Z',
    free_trial_started_at: '2024-02-01T12:30:00.000Z',
    website_url: 'https://example.com',
    primary_contact: { first_name: 'Ann', last_name: 'Oak', email },
    attributes: { tags: ['first'], custom: [{ type: 'Integer', key: 'seats', value: 7 }] }
  });

  await t.test('are created with all their fields', async () => {
    const { id, uuid, ...rest } = customer;
    assert.ok(Number.isInteger(id));
    assert.match(uuid, /^cus_/);
    assert.match(rest['chartmogul-url'], new RegExp(uuid + '$'));
    delete rest['chartmogul-url'];
    assert.deepEqual(rest, {
      external_id: 'ann',
      name: 'Ann',
      email,
      status: 'New Lead',
      'customer-since': null,
      attributes: { tags: ['first'], stripe: {}, custom: { seats: 7 } },
      data_source_uuid: source.uuid,
      data_source_uuids: [source.uuid],
      external_ids: ['ann'],
      company: 'Ann & Sons',
      country: 'US',
      state: 'US-CA',
      city: 'Fresno',
      zip: '93650',
      lead_created_at: '2024-01-01T00:00:00.000Z',
      free_trial_started_at: '2024-02-01T12:30:00.000Z',
      address: { country: 'United States', state: 'California', city: 'Fresno', address_zip: '93650' },
      mrr: 0,
      arr: 0,
      'billing-system-url': null,
      'billing-system-type': 'Custom',
      currency: 'USD',
      'currency-sign': '$',
      owner: null,
      website_url: 'https://example.com'
    });
    assert.deepEqual(await retrieve(customer), customer);
  });
  await t.test('are listed by external id, and page by page', async () => {
    for (const id of ['bob', 'cid', 'dan', 'eve']) await newCustomer(source, id, { name: id });
    const list = (query) => Customer.all(config, { data_source_uuid: source.uuid, ...query });
    assert.deepEqual((await list({ external_id: 'ann' })).entries, [customer]);
    assert.equal((await list({ external_id: 'ann' })).has_more, false);
    const all = await pages('entries', list);
    assert.deepEqual(all.map((c) => c.external_id).sort(), ['ann', 'bob', 'cid', 'dan', 'eve']);
  });
  await t.test('are found by e-mail address', async () => {
    const found = await Customer.search(config, { email });
    assert.deepEqual(found.entries, [customer]);
    assert.equal(found.has_more, false);
    const body = await missing(Customer.search(config, { email: 'no@example.com' }));
    assert.deepEqual(body, { code: 404, message: 'Can\'t find any customers with email: "no@example.com"', param: 'email' });
    await refused(400, Customer.search(config, {}));
  });
  await t.test('are changed', async () => {
    const changed = await Customer.modify(config, customer.uuid, {
      name: 'Anna', city: null, lead_created_at: '2024-01-02', attributes: { tags: ['second'], custom: { seats: 8, plan: { value: 'big' } } }
    });
    assert.equal(changed.name, 'Anna');
    assert.equal(changed.city, null);
    assert.equal(changed.zip, '93650');
    assert.equal(changed.lead_created_at, '2024-01-02T00:00:00.000Z');
    assert.deepEqual(changed.attributes, { tags: ['second'], stripe: {}, custom: { seats: 8, plan: 'big' } });
    assert.deepEqual(await retrieve(customer), changed);
    const body = await refused(422, Customer.modify(config, customer.uuid, { country: 'Nowhere' }));
    assert.equal(typeof body.errors.country, 'string');
    assert.deepEqual(await retrieve(customer), changed);
  });
  await t.test('are refused', async () => {
    const body = await refused(422, newCustomer(source, 'ann'));
    assert.equal(typeof body.errors.external_id, 'string');
    await refused(400, Customer.create(config, { name: 'No source' }));
    assert.deepEqual(await missing(newCustomer({ uuid: 'ds_nowhere' }, 'x')), { error: 'Data source not found' });
    assert.deepEqual(await missing(retrieve({ uuid: 'cus_nowhere' })), { error: 'Customer not found' });
  });
  await t.test('are erased', async () => {
    const lost = 'gone-' + email;
    const gone = await newCustomer(source, 'gone', { email: lost });
    assert.equal((await Customer.search(config, { email: lost })).entries.length, 1);
    assert.deepEqual(await Customer.destroy(config, gone.uuid), {});
    await missing(retrieve(gone));
    await missing(Customer.search(config, { email: lost }));
    assert.equal((await retrieve(customer)).name, 'Anna');
  });
  await unharmed();
});

test('customers are merged, and parted again', async () => {
  const unharmed = await bystander();
  const [here, there] = [await newSource(), await newSource()];
  const into = await newCustomer(here, 'into', { attributes: { tags: ['a'] } });
  const from = await newCustomer(there, 'from', { name: 'Beth', attributes: { tags: ['b'] } });
  assert.deepEqual(await Customer.merge(config, { from: { customer_uuid: from.uuid }, into: { customer_uuid: into.uuid } }), {});
  const one = await retrieve(into);
  assert.deepEqual(one.external_ids, ['into', 'from']);
  assert.deepEqual(one.data_source_uuids, [here.uuid, there.uuid]);
  assert.deepEqual(one.attributes.tags, ['a', 'b']);
  await missing(retrieve(from));

  const part = { customer_uuid: into.uuid, data_source_uuid: there.uuid, external_id: 'from', move_to_new_customer: ['tasks'] };
  assert.deepEqual(await Customer.unmerge(config, part), {});
  assert.deepEqual(await retrieve(into), into);
  assert.deepEqual((await Customer.all(config, { data_source_uuid: there.uuid })).entries.map((c) => [c.name, c.external_ids]), [['Beth', ['from']]]);

  const named = (source, id) => ({ data_source_uuid: source.uuid, external_id: id });
  assert.deepEqual(await Customer.merge(config, { from: named(there, 'from'), into: named(here, 'into') }), {});
  assert.deepEqual((await retrieve(into)).external_ids, ['into', 'from']);
  await missing(Customer.merge(config, { from: named(there, 'nobody'), into: named(here, 'into') }));
  await refused(400, Customer.merge(config, { from: named(there, 'from') }));
  await unharmed();
});

test('tags and custom attributes', async (t) => {
  const unharmed = await bystander();
  const source = await newSource();
  const email = source.uuid + '@example.com';
  const customer = await newCustomer(source, 'ann', { email });
  const other = await newCustomer(source, 'bob', { email });

  await t.test('tags are added and removed', async () => {
    assert.deepEqual(await Tag.add(config, customer.uuid, { tags: ['a', 'b'] }), { tags: ['a', 'b'] });
    assert.deepEqual(await Tag.remove(config, customer.uuid, { tags: ['a'] }), { tags: ['b'] });
    const { entries } = await Tag.add(config, { email, tags: ['c'] });
    assert.deepEqual(entries.map((c) => [c.external_id, c.attributes.tags]).sort(), [['ann', ['b', 'c']], ['bob', ['c']]]);
    await missing(Tag.add(config, { email: 'no@example.com', tags: ['c'] }));
    await refused(422, Tag.add(config, customer.uuid, { tags: 'a' }));
  });
  await t.test('custom attributes are added, set and removed', async () => {
    const custom = [
      { type: 'String', key: 'channel', value: 'Facebook', source: 'integration' },
      { type: 'Integer', key: 'age', value: 8 },
      { type: 'Decimal', key: 'score', value: 1.5 },
      { type: 'Boolean', key: 'pro', value: true },
      { type: 'Timestamp', key: 'since', value: '2016-01-31T00:00:00.000Z' }
    ];
    const all = { channel: 'Facebook', age: 8, score: 1.5, pro: true, since: '2016-01-31T00:00:00.000Z' };
    assert.deepEqual(await CustomAttribute.add(config, customer.uuid, { custom }), { custom: all });
    const set = await CustomAttribute.update(config, customer.uuid, { custom: { age: 20, channel: { value: 'Twitter', source: 'me' } } });
    assert.deepEqual(set, { custom: { ...all, age: 20, channel: 'Twitter' } });
    const left = await CustomAttribute.remove(config, customer.uuid, { custom: ['score', 'pro', 'since'] });
    assert.deepEqual(left, { custom: { age: 20, channel: 'Twitter' } });
    const { entries } = await CustomAttribute.add(config, { email, custom: [{ type: 'Integer', key: 'age', value: 1 }] });
    assert.deepEqual(entries.map((c) => c.attributes.custom.age), [1, 1]);
    const bad = [{ type: 'Integer', key: 'age', value: 'old' }];
    await refused(422, CustomAttribute.add(config, customer.uuid, { custom: bad }));
  });
  await t.test('both are told together', async () => {
    const told = await Customer.attributes(config, customer.uuid);
    assert.deepEqual(told, { tags: ['b', 'c'], stripe: {}, custom: { age: 1, channel: 'Twitter' } });
    assert.deepEqual((await retrieve(customer)).attributes, told);
    assert.deepEqual(await Customer.attributes(config, other.uuid), { tags: ['c'], stripe: {}, custom: { age: 1 } });
    await missing(Customer.attributes(config, 'cus_nowhere'));
  });
  await unharmed();
});
