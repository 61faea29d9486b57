'use strict';
// The story: all that the article about erasing and importing again describes, and what Reseed adds to it, from the
// first sign-in to the last receipt. It is told by story.test.js, keyboard.test.js and noscript.test.js.
const assert = require('node:assert/strict');
const { customers, plans, invoices, lines, bystander, call } = require('./data.js');

const done = /[✓◐] done/;
const waits = /\? waits for you/;

// steps are the story in order. Each but the first begins wherever the one before has ended; what it leaves to the others is
// in the world.
const steps = [signInByLink, includeSampleData, addDataSource, importChangedFile, editCustomers, importAgain, deleteOneCustomer, deleteAllManualCustomers, deleteDataSource, lookAtTheRest];

// tell goes through the console with a visitor who is not signed in. A bystander is there from the second step on.
async function tell (ann) {
  const world = {};
  for (const step of steps) {
    await step(ann, world);
    world.untouched ||= await bystander();
    await world.untouched();
  }
}

async function signInByLink (ann) {
  await ann.to('/');
  await ann.reads('API key');
  await ann.to(process.env.RESEED_SIGN_IN.slice(process.env.RESEED_URL.length));
  await ann.press('Sign in');
  await ann.reads('There is no data source yet');
}

async function includeSampleData (ann) {
  await ann.press('Include sample data');
  await ann.until(done);
  await ann.reads('7 894 added', '0 rejected', 'read = added + changed + unchanged + rejected');
  await ann.menu('Data Sources');
  await ann.reads('Sample company', '200 customers', '2 203 invoices', 'done');
}

// addDataSource makes a data source and imports its first files.
async function addDataSource (ann, world) {
  await ann.press('Add a data source');
  await ann.press('Next: Files');
  await ann.fill('Name', 'Billing');
  await ann.press('Next');
  const billing = world.billing = ann.path().split('/')[2];
  await ann.attach('Files', [lines(), customers(), plans(), invoices()]);
  await ann.press('Next');
  await ann.reads('understood as customers', 'understood as line items', 'Customer 005');
  await ann.press('Preview');
  await ann.until(waits);
  await ann.reads('241 added', '0 rejected', 'EUR', '750.00');
  assert.equal((await call('GET', `/v1/customers?data_source_uuid=${billing}`)).entries.length, 0, 'a preview writes nothing');
  await ann.press('Import');
  await ann.until(done);
  await ann.reads('241 added');
}

// preview chooses files, and goes on to the preview.
async function preview (ann, billing, ...files) {
  await ann.to(`/sources/${billing}`);
  await ann.press('Import');
  await ann.attach('Files', files);
  await ann.press('Next');
  await ann.press('Preview');
  await ann.until(waits);
}

async function importChangedFile (ann, { billing }) {
  await preview(ann, billing, customers({
    c001: ['Renamed', 'c001@example.com', 'DE', 'c001'],
    c002: ['Customer 002', 'no address', 'DE', 'c002'],
    more: [['New', 'c121@example.com', 'DE', 'c121']]
  }));
  await ann.reads('1 added', '1 changed', '118 unchanged', '1 rejected');
  const first = ann.path();
  await ann.follow('a[href*="action=changed"]');
  await ann.reads('Customer 001 → Renamed');
  await ann.to(first);
  await ann.press('Fix rejects');
  await ann.reads('This is not an e-mail address');
  await ann.fill(/^Email/, 'two@example.com');
  await ann.press('Preview again');
  await ann.until(waits);
  await ann.reads('1 added', '2 changed', '118 unchanged', '0 rejected');
  const second = ann.path();
  await ann.to(first);
  await ann.reads('cancelled');
  await ann.to(second);
  await ann.press('Import');
  await ann.until(done);
}

// search goes to the page of the customer with an external id.
async function search (ann, id) {
  await ann.menu('Customers');
  await ann.fill('E-mail address or external id', id);
  await ann.press('Search');
}

async function editCustomers (ann) {
  await search(ann, 'c003@example.com');
  await ann.press('Customer 003');
  await ann.fill('Add a tag', 'vip');
  await ann.press('Add');
  await ann.reads('The tag vip was added');
  await ann.press('Edit');
  await ann.fill('City', 'Bremen');
  await ann.press('Save');
  await ann.reads('changed by hand', 'Bremen', 'customers.csv');
  await ann.press('Edit');
  await ann.fill('Name', 'By mistake');
  await ann.press('Save');
  await ann.press('Revert');
  await ann.reads('as it was imported again', 'Customer 003');
  await ann.press('Set a custom attribute');
  await ann.fill(/^Name/, 'owner');
  await ann.fill('Value', 'Bob');
  await ann.press('Set');
  await ann.reads('owner');
  await ann.press('Merge');
  await ann.fill('E-mail address or external id', 'c004');
  await ann.press('Search');
  await ann.press('Customer 004');
  await ann.reads('Would be shown');
  await ann.press('Merge');
  await ann.reads('is part of this customer now');
  await ann.press('Unmerge');
  await ann.reads('separate customers again');
}

// importAgain imports the first file once more, and takes that back.
async function importAgain (ann, { billing }) {
  await preview(ann, billing, customers());
  await ann.reads('2 changed');
  await ann.press('Import');
  await ann.until(done);
  const again = ann.path();
  await search(ann, 'c003');
  await ann.press('Customer 003');
  await ann.reads('vip', 'Bremen', 'owner');
  await search(ann, 'c001');
  await ann.reads('Customer 001');
  await ann.to(again);
  await ann.press('Undo');
  await ann.until(waits);
  await ann.reads('What “Undo it” will do');
  await ann.press('Undo it');
  await ann.until(done);
  await search(ann, 'c001');
  await ann.reads('Renamed');
}

async function deleteOneCustomer (ann) {
  await search(ann, 'c010');
  await ann.press('Customer 010');
  await ann.press('Delete');
  await ann.reads('What goes', 'What stays', "can't be restored");
  await ann.press('Export first');
  await ann.until(/The export: ✓ done/);
  await ann.fill(/^Type the name/, 'Customer 01');
  await ann.press('Delete');
  await ann.reads('Customer 010');
  await ann.fill(/^Type the name/, 'Customer 010');
  await ann.press('Delete');
  await ann.until(done);
  await ann.press('Receipt');
  await ann.reads('What was removed', 'Seen gone', 'Where copies may live on');
  await search(ann, 'c010');
  await ann.lacks('Customer 010');
}

async function deleteAllManualCustomers (ann) {
  await ann.menu('Data Sources');
  await ann.press('Delete all manual customers');
  await ann.choose('How long it can be restored', '24 hours');
  await ann.press('Show with these options');
  await ann.reads('it can be restored until');
  await ann.press('Delete all manual customers');
  await ann.until(/restorable until/);
  const erase = ann.path();
  await search(ann, 'c003');
  await ann.lacks('Customer 003');
  await ann.menu('Data Sources');
  await ann.reads('can be restored until');
  await ann.to(erase);
  await ann.press('Restore');
  await ann.until(/↺ restored/);
  await search(ann, 'c003');
  await ann.press('Customer 003');
  await ann.reads('vip', 'Bremen');
}

async function deleteDataSource (ann, { billing }) {
  await ann.to(`/sources/${billing}`);
  await ann.press('Delete this data source');
  await ann.reads('What goes', 'What stays', "can't be restored");
  await ann.fill(/^Type the name/, 'Billing');
  await ann.press('Delete this data source');
  await ann.until(done);
  await ann.press('Receipt');
  await ann.reads('Billing', 'Digest of the keys');
  const receipt = await ann.download('Download as JSON');
  assert.equal(JSON.parse(receipt.text).source_name, 'Billing');
  assert.equal(await ann.sheets(), 1, 'the receipt prints on one sheet');
  await ann.menu('Data Sources');
  await ann.lacks('Billing');
  await ann.reads('Sample company', 'Bystander');
}

// tab goes to a part of the data source.
const tab = (ann, name) => ann.press(name, ann.page.getByRole('navigation', { name: 'Parts of this data source' }));

// lookAtTheRest comes to the pages that the story has passed by.
async function lookAtTheRest (ann) {
  await ann.press('Sample company');
  for (const dataset of ['Contacts', 'Invoices', 'Invoice Line Items', 'Transactions', 'Subscription Events', 'Plans', 'Imports']) {
    await tab(ann, dataset);
  }
  await ann.press('Count them');
  await ann.reads('Customers: 200');
  await tab(ann, 'Customers');
  await ann.press('Next');
  await ann.press('First');
  await ann.follow('main tbody th a');
  await ann.reads('Timeline');
  await ann.follow('main a[href^="/records/"]');
  await ann.menu('Data Sources');
  await ann.press('Sample company');
  for (const page of ['Export', 'New customer', 'Settings', 'Empty', 'Import']) {
    await ann.press(page, ann.page.locator('main .actions').first());
    await ann.menu('Data Sources');
    await ann.press('Sample company');
  }
  await ann.menu('Activity');
  await ann.choose('Kind', 'erases');
  await ann.press('Show');
  await ann.reads('receipt');
  await ann.menu('Receipts');
  await ann.reads('Billing');
  await ann.menu('Settings');
  await ann.press('Save');
  await ann.reads('The settings are saved');
  await ann.press('Send a test');
  await ann.menu('API keys');
  await ann.fill('Name', 'Nightly');
  await ann.press('Add a key');
  await ann.reads('Copy it now');
  await ann.menu('API keys');
  await ann.press('Remove Nightly');
  await ann.press('Remove the key');
  await ann.reads('is removed');
  await ann.to('/nowhere');
  await ann.press('Sign out');
  await ann.reads('API key');
}

module.exports = { tell, steps, preview, search, waits, done };
