'use strict';
// The menu against a running Reseed that pulls a spreadsheet of a stand-in. The environment names both: RESEED_URL, RESEED_API_KEY,
// SHEET_URL (its cells can be set with PUT, its rows removed with DELETE), SHEET_ID and SOURCE.
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { call, open, words } = require('./fakes.js');

const { RESEED_URL: url, RESEED_API_KEY: key, SHEET_URL: sheet, SHEET_ID: id, SOURCE: source } = process.env;
const tabs = ['Customers', 'Plans', 'Invoices', 'Line items'];

const done = ({ status, body }) => { assert.ok(status < 300, status + ' ' + body); return body; };
const set = (tab, cell, value) => done(call(sheet + '/' + tab + '/' + cell, { method: 'put', payload: value }));
const get = (path) => JSON.parse(done(call(url + path, { headers: { Authorization: 'Basic ' + Buffer.from(key + ':').toString('base64') } })));

// opened is a spreadsheet whose person has entered the settings.
function opened (...answers) {
  const it = open(id, tabs);
  it.seen.answers.push(...(answers.length > 0 ? answers : [url, key, source]));
  return it;
}

test('the menu', () => {
  const { script, seen } = open(id, tabs);
  script.onOpen();
  assert.equal(seen.menu[0], 'Reseed');
  for (const [label, name] of seen.menu.slice(1)) assert.equal(typeof script[name], 'function', label);
});

test('settings that are wrong say so, and never show the key', () => {
  for (const [answers, said] of [
    [[], null],
    [['http://reseed.example.com'], /https/],
    [[url, 'a-wrong-key', source], /key/i],
    [[url, key, 'No such source'], /reseed sources add "No such source"/],
    [['http://127.0.0.1:1', key, source], /does not answer/]
  ]) {
    const { script, seen, user } = open(id, tabs);
    seen.answers.push(...answers);
    script.preview();
    assert.equal(user.getProperty('reseed.key'), null);
    assert.equal(seen.sidebar, '');
    if (said) assert.match(seen.alerts.at(-1), said);
    assert.ok(!seen.alerts.some((text) => text.includes(key) || text.includes('a-wrong-key')), 'a key was shown');
  }
});

test('nothing was previewed yet', () => {
  const { script, seen } = opened();
  script.showRejects();
  assert.match(seen.alerts.at(-1), /Choose Preview first/);
});

test('a finance person changes the sheet', () => {
  const { script, seen } = opened();
  script.preview();
  assert.match(words(seen.sidebar), /Preview: nothing is written yet.*customers: 3 added/);
  assert.equal(get('/v1/customers?per_page=10').entries.length, 0);
  script.importNow();
  assert.match(words(seen.sidebar), /Imported.*customers: 3 added.*reseed undo/);

  // a customer is renamed, and a plan's row deleted by accident
  set('Customers', 'A3', 'Acme Ltd');
  done(call(sheet + '/Plans/3', { method: 'delete' }));
  script.preview();
  assert.match(words(seen.sidebar), /changed: customers "c2", Customers!A3: name "Acme" → "Acme Ltd"/);
  assert.match(words(seen.sidebar), /plans: .*1 removed|would be removed: plans "silver"/);
  assert.ok(get('/v1/customers?per_page=10').entries.every((customer) => customer.name !== 'Acme Ltd'));

  // the plan comes back
  done(call(sheet + '/Plans/3', { method: 'post', payload: JSON.stringify(['Silver', '1', 'month', 'silver']) }));
  script.importNow();
  assert.match(words(seen.sidebar), /Imported.*customers: 1 changed, 2 unchanged/);
  assert.doesNotMatch(words(seen.sidebar), /removed/);
  assert.deepEqual(get('/v1/customers?per_page=10').entries.map((customer) => customer.name).sort(), ['Acme Ltd', 'Bee <b>&', 'Cat']);
});

test('rejects are marked, and marks are taken away', () => {
  const { script, seen, document } = opened();
  set('Invoices', 'D4', 'EURO');
  set('Invoices', 'C5', 'never');
  script.preview();
  assert.match(words(seen.sidebar), /2 rows rejected.*Invoices!D4.*EURO/);
  seen.cells.set('Invoices!D4', { colour: '#00ff00', note: 'ask Bob' });
  script.showRejects();
  assert.match(words(seen.sidebar), /2 rows not imported/);
  const marked = seen.cells.get('Invoices!D4');
  assert.equal(marked.colour, '#f9cfc4');
  assert.match(marked.note, /^Reseed: .*EURO.*\n\nask Bob$/s);
  assert.equal(seen.cells.get('Invoices!C5').colour, '#f9cfc4');

  script.showRejects(); // a second time changes nothing
  assert.match(seen.cells.get('Invoices!D4').note, /^Reseed: [^\n]*\n\nask Bob$/);
  script.clearMarks();
  assert.deepEqual(seen.cells.get('Invoices!D4'), { colour: '#00ff00', note: 'ask Bob' });
  assert.deepEqual(seen.cells.get('Invoices!C5'), { colour: '#ffffff', note: '' });
  assert.equal(document.values.size, 0);

  set('Invoices', 'D4', 'EUR');
  set('Invoices', 'C5', '2026-01-04');
  script.preview();
  script.showRejects();
  assert.match(words(seen.sidebar), /No rejects/);
});

test('an import that waits asks for a yes', () => {
  const { script, seen } = opened();
  const before = get('/v1/customers?per_page=10').entries.length;
  done(call(sheet + '/Line items/2', { method: 'delete' }));
  done(call(sheet + '/Line items/2', { method: 'delete' }));
  script.importNow();
  assert.match(words(seen.sidebar), /Preview|nothing is written/);
  assert.match(seen.alerts.at(-1), /Import it all the same\?/);
  seen.answers.push('YES');
  script.importNow();
  assert.match(words(seen.sidebar), /Imported.*line items: .*2 removed/);
  assert.equal(get('/v1/customers?per_page=10').entries.length, before);
});
