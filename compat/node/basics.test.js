'use strict';
const test = require('node:test');
const { ChartMogul, assert, config, connect, newSource, newPlan, newCustomer, bystander, refused, missing, pages } = require('./reseed');

test('ping', async () => {
  assert.deepEqual(await ChartMogul.Ping.ping(config), { data: 'pong!' });
});

test('a wrong key, and none, are forbidden', async () => {
  for (const key of ['wrong', '']) {
    const body = await refused(401, ChartMogul.Ping.ping(connect(key)));
    assert.deepEqual(body, { code: 401, message: 'No valid API key provided', param: null });
  }
  await refused(401, ChartMogul.DataSource.create(connect('wrong'), { name: 'Nobody' }));
  assert.deepEqual((await ChartMogul.DataSource.all(config, { name: 'Nobody' })).data_sources, []);
});

test('what is not served is not found, or not allowed', async () => {
  const source = await newSource();
  await missing(ChartMogul.SubscriptionEvent.all(config));
  await missing(ChartMogul.Contact.all(config));
  await missing(ChartMogul.Metrics.mrr(config, { 'start-date': '2025-01-01', 'end-date': '2025-02-01' }));
  await missing(ChartMogul.JsonImport.create(config, source.uuid, { external_id: 'j' }));
  const plan = await newPlan(source, 'p');
  await refused(405, ChartMogul.Plan.destroy(config, plan.uuid));
  assert.deepEqual(await ChartMogul.Plan.retrieve(config, plan.uuid), plan);
});

test('data sources', async (t) => {
  const unharmed = await bystander();
  const source = await newSource();
  await newCustomer(source, 'c');
  assert.match(source.uuid, /^ds_/);
  assert.equal(source.system, 'Custom');
  assert.ok(!isNaN(Date.parse(source.created_at)));

  await t.test('are listed by name, and retrieved', async () => {
    assert.deepEqual(await ChartMogul.DataSource.all(config, { name: source.name }), { data_sources: [source] });
    assert.ok((await ChartMogul.DataSource.all(config)).data_sources.length >= 2);
    assert.deepEqual(await ChartMogul.DataSource.retrieve(config, source.uuid), source);
  });
  await t.test('tell their settings to those who ask', async () => {
    const full = await ChartMogul.DataSource.retrieve(config, source.uuid, {
      with_processing_status: true, with_auto_churn_subscription_setting: true, with_invoice_handling_setting: true
    });
    assert.deepEqual(full.processing_status, { processed: 0, failed: 0, pending: 0 });
    assert.deepEqual(full.auto_churn_subscription_setting, { enabled: false, interval: null });
    assert.equal(typeof full.invoice_handling_setting.manual, 'object');
  });
  await t.test('need a name that is free', async () => {
    await refused(400, ChartMogul.DataSource.create(config, {}));
    const body = await refused(422, ChartMogul.DataSource.create(config, { name: source.name }));
    assert.equal(typeof body.errors.name, 'string');
  });
  await t.test('are erased with what they hold', async () => {
    assert.deepEqual(await ChartMogul.DataSource.destroy(config, source.uuid), {});
    const body = await missing(ChartMogul.DataSource.retrieve(config, source.uuid));
    assert.deepEqual(body, { error: 'Data source not found' });
    await missing(ChartMogul.DataSource.destroy(config, source.uuid));
    assert.deepEqual((await ChartMogul.Customer.all(config, { data_source_uuid: source.uuid })).entries, []);
  });
  await unharmed();
});

test('plans', async (t) => {
  const unharmed = await bystander();
  const source = await newSource();
  const plan = await newPlan(source, 'gold');
  assert.match(plan.uuid, /^pl_/);
  const { uuid, ...rest } = plan;
  assert.deepEqual(rest, { data_source_uuid: source.uuid, external_id: 'gold', name: 'Gold', interval_count: 1, interval_unit: 'month' });

  await t.test('are retrieved, and listed page by page', async () => {
    assert.deepEqual(await ChartMogul.Plan.retrieve(config, uuid), plan);
    const list = (query) => ChartMogul.Plan.all(config, { data_source_uuid: source.uuid, ...query });
    assert.deepEqual((await list({ external_id: 'gold' })).plans, [plan]);
    for (const id of ['silver', 'iron', 'tin', 'lead']) await newPlan(source, id);
    const all = await pages('plans', list);
    assert.deepEqual(all.map((p) => p.external_id).sort(), ['gold', 'iron', 'lead', 'silver', 'tin']);
  });
  await t.test('are changed', async () => {
    const changed = { ...plan, name: 'Golden', interval_count: 1, interval_unit: 'year' };
    assert.deepEqual(await ChartMogul.Plan.modify(config, uuid, { name: 'Golden', interval_unit: 'year' }), changed);
    assert.deepEqual(await ChartMogul.Plan.retrieve(config, uuid), changed);
  });
  await t.test('are refused field by field', async () => {
    const order = { data_source_uuid: source.uuid, name: 'Bad', interval_count: 0, interval_unit: 'week' };
    const body = await refused(422, ChartMogul.Plan.create(config, order));
    assert.deepEqual(Object.keys(body.errors).sort(), ['interval_count', 'interval_unit']);
    await refused(400, ChartMogul.Plan.create(config, { data_source_uuid: source.uuid }));
    await refused(422, newPlan(source, 'gold'));
    assert.deepEqual(await missing(ChartMogul.Plan.retrieve(config, 'pl_nowhere')), { error: 'Plan not found' });
  });
  await unharmed();
});
