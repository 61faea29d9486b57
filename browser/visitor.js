'use strict';
// A visitor goes through the console as a person does, and fails at what no person should meet: a message on
// the browser's console, an error of a script, a request to another host, a page without the content policy.
const assert = require('node:assert/strict');
const { chromium } = require('playwright-core');
const { examine, sideways } = require('./examine.js');
const { mouse } = require('./hands.js');

const home = process.env.RESEED_URL;
const policy = "default-src 'none'";
// A step that takes so long hangs: the test then says which one it was.
const hangs = 10 * 60 * 1000;

const launch = () => chromium.launch({ executablePath: process.env.RESEED_TEST_CHROMIUM });

// open returns a visitor in a browser profile of its own. Options are Playwright's of a context, and
//   hands      how it presses and types (hands.js); the mouse if left out
//   thorough   whether it examines each new kind of page (examine.js); it does unless this is false
async function open (browser, { hands = mouse, thorough = true, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true, ...options });
  context.setDefaultTimeout(hangs);
  const page = await context.newPage();
  return new Visitor(context, page, hands, options.javaScriptEnabled !== false, thorough);
}

class Visitor {
  constructor (context, page, hands, scripts, thorough) {
    Object.assign(this, { context, page, hands, scripts, thorough, complaints: [] });
    this.watch(page);
  }

  watch (page) {
    page.on('filechooser', () => {}); // from now on choosers come to the test, also those that a key opens at once
    page.on('console', message => {
      // The browser says this of every answer above 399, and of pages that answer a wrong form with 422.
      if (/^Failed to load resource: .* status of 4\d\d/.test(message.text())) return;
      this.complaints.push(`console ${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', error => this.complaints.push(`error of a script: ${error.message}`));
    page.on('request', request => {
      if (!request.url().startsWith(home + '/') && !request.url().startsWith('data:')) this.complaints.push(`request to another host: ${request.url()}`);
    });
    page.on('response', async response => {
      if (response.status() >= 500) this.complaints.push(`${response.request().method()} ${response.url()}: ${response.status()}`);
      const headers = response.headers();
      if (/^text\/html/.test(headers['content-type'] || '') && !(headers['content-security-policy'] || '').startsWith(policy)) {
        this.complaints.push(`${response.url()}: content policy ${headers['content-security-policy']}`);
      }
    });
  }

  // tab opens a second tab of the same profile.
  async tab () {
    return new Visitor(this.context, await this.context.newPage(), this.hands, this.scripts, this.thorough);
  }

  // to types an address: a path of the console.
  async to (path) {
    await this.page.goto(home + path);
    await this.arrived();
  }

  path () { return new URL(this.page.url()).pathname; }

  // signIn signs in with the API key of the test.
  async signIn () {
    await this.to('/login');
    await this.fill('API key', process.env.RESEED_API_KEY);
    await this.press('Sign in');
  }

  signedIn () { return this.has('Sign out'); }

  // press presses the link or button of this name, and waits for the page that it leads to.
  async press (name, within = this.page) {
    await this.act(await this.control(name, within));
  }

  // menu presses a link of the main menu.
  menu (name) { return this.press(name, this.page.getByRole('navigation', { name: 'Data Platform' })); }

  // follow presses the first link that a selector finds.
  async follow (selector) {
    const [found] = await visible(this.page.locator(selector));
    assert.ok(found, `there is no ${selector} on ${await this.where()}`);
    await this.act(found);
  }

  async act (control) {
    const kind = await control.evaluate(element => {
      if (element.tagName === 'SUMMARY') return 'opens';
      const swaps = element.hasAttribute('hx-get') || element.hasAttribute('hx-post');
      return swaps || (element.form && element.type === 'submit' && !element.form.hasAttribute('hx-trigger') && (element.form.hasAttribute('hx-get') || element.form.hasAttribute('hx-post'))) ? 'swaps' : 'leads';
    });
    if (kind === 'opens') return this.hands.press(this.page, control);
    const swaps = this.scripts && kind === 'swaps';
    const came = swaps
      ? this.page.waitForResponse(response => response.request().headers()['hx-request'] && (response.status() < 300 || response.status() >= 400))
      : this.page.waitForEvent('framenavigated', frame => frame === this.page.mainFrame());
    await Promise.all([came, this.hands.press(this.page, control)]);
    if (swaps) await this.page.evaluate(() => new Promise(resolve => setTimeout(resolve, 50)));
    await this.arrived();
  }

  // arrived waits for the page, and examines it.
  async arrived () {
    await this.page.waitForLoadState('load');
    this.complaints.push(...await (this.thorough ? examine(this) : this.page.evaluate(sideways)));
    assert.deepEqual(this.complaints, [], `on ${await this.where()}`);
  }

  // control finds the one link or button of this name.
  async control (name, within = this.page) {
    const options = name instanceof RegExp ? { name } : { name, exact: true };
    const either = within.getByRole('button', options).or(within.getByRole('link', options)).or(within.locator('summary').filter({ hasText: name instanceof RegExp ? name : new RegExp(`^\\s*${name}\\s*$`) }));
    const found = await visible(either);
    assert.equal(found.length, 1, `${found.length} links and buttons are called ${name} on ${await this.where()}\n${await this.text()}`);
    return found[0];
  }

  // has tells whether there is a link or button of this name.
  async has (name) {
    const options = { name, exact: true };
    return (await visible(this.page.getByRole('button', options).or(this.page.getByRole('link', options)))).length > 0;
  }

  async field (label, within = this.page) {
    const found = await visible(within.getByLabel(label, { exact: !(label instanceof RegExp) }));
    assert.equal(found.length, 1, `${found.length} fields are called ${label} on ${await this.where()}\n${await this.text()}`);
    return found[0];
  }

  async fill (label, text, within) { await this.hands.fill(this.page, await this.field(label, within), text); }
  async tick (label, within) { await this.hands.tick(this.page, await this.field(label, within)); }
  async choose (label, option, within) { await this.hands.choose(this.page, await this.field(label, within), option); }
  async attach (label, files) { await this.hands.attach(this.page, await this.field(label), files); }

  async text () { return (await this.page.locator('main').first().innerText()).replace(/\s+/g, ' '); }
  async where () { return `${new URL(this.page.url()).pathname} “${await this.page.title()}”`; }

  // reads checks that the page says something.
  async reads (...wanted) {
    const text = await this.text();
    for (const want of wanted) {
      assert.ok(want instanceof RegExp ? want.test(text) : text.includes(want), `${await this.where()} does not say ${want}:\n${text}`);
    }
  }

  async lacks (...unwanted) {
    const text = await this.text();
    for (const word of unwanted) assert.ok(!text.includes(word), `${await this.where()} says ${word}:\n${text}`);
  }

  // until waits for what a job comes to: with scripts the page changes by itself, without them a person presses Refresh.
  async until (wanted) {
    for (const start = Date.now(); Date.now() - start < hangs;) {
      const live = this.scripts && await this.page.locator('main [hx-trigger^=every]').count() > 0;
      if (wanted.test(await this.text())) return this.arrived();
      if (live) await new Promise(resolve => setTimeout(resolve, 100));
      else if (await this.has('Refresh')) await this.press('Refresh');
      else break; // the page stays as it is
    }
    assert.fail(`${await this.where()} does not come to ${wanted}:\n${await this.text()}`);
  }

  // download presses what answers with a file, and returns its name and text.
  async download (name) {
    const control = await this.control(name);
    const [file] = await Promise.all([this.page.waitForEvent('download'), this.hands.press(this.page, control)]);
    const chunks = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk);
    return { name: file.suggestedFilename(), text: Buffer.concat(chunks).toString() };
  }

  // sheets counts the sheets of paper that the page is printed on.
  async sheets () {
    const pdf = await this.page.pdf({ format: 'A4' });
    return pdf.toString('latin1').match(/\/Type\s*\/Page\b/g).length;
  }

  close () { return this.context.close(); }
}

async function visible (locator) {
  const out = [];
  for (const one of await locator.all()) if (await one.isVisible()) out.push(one);
  return out;
}

module.exports = { launch, open, home };
