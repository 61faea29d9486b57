'use strict';
// Signing in and out.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { launch, open } = require('./visitor.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const link = process.env.RESEED_SIGN_IN;

test('the link that the server prints signs one browser in, once', async () => {
  const ann = await open(browser);
  await ann.to('/sources');
  await ann.reads('API key');
  await ann.to(link.slice(process.env.RESEED_URL.length));
  assert.ok(!(await ann.signedIn()), 'opening the link changes nothing');
  await ann.press('Sign in');
  assert.equal(ann.path(), '/sources');
  const [cookie] = (await ann.context.cookies()).filter(cookie => cookie.name.endsWith('reseed'));
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Lax', JSON.stringify(cookie));

  const bob = await open(browser);
  await bob.to(link.slice(process.env.RESEED_URL.length));
  await bob.press('Sign in');
  await bob.reads('used already');
  assert.ok(!(await bob.signedIn()));
  await ann.close();
  await bob.close();
});

test('a key signs in, a wrong one does not, and people come to where they wanted to go', async () => {
  const ann = await open(browser);
  await ann.to('/jobs/none');
  await ann.fill('API key', 'wrong');
  await ann.press('Sign in');
  await ann.reads('There is no such key');
  await ann.fill('API key', process.env.RESEED_API_KEY);
  await ann.press('Sign in');
  assert.equal(ann.path(), '/jobs/none');
  await ann.press('Sign out');
  assert.equal(ann.path(), '/login');
  await ann.to('/sources');
  assert.equal(ann.path(), '/login');
  await ann.close();
});

test('colours are chosen, and kept', async () => {
  const ann = await open(browser);
  await ann.signIn();
  const background = () => ann.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await ann.press('light');
  const light = await background();
  await ann.press('dark');
  assert.notEqual(await background(), light);
  await ann.to('/sources');
  assert.notEqual(await background(), light);
  await ann.close();
});
