'use strict';
// What holds for every page (WCAG 2.2 AA as far as a program can tell): examine looks once at each kind of page,
// which is its path without ids together with its headings.
const fs = require('node:fs');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// Widths in CSS pixels: a phone; 1280 at 400 %, which is what reflow asks for; 1280 at 200 %; a desk.
const widths = [390, 320, 640, 1280];

const seen = new Set(); // the kinds of pages that were examined

// examine returns what is wrong with the page that a visitor is at.
async function examine (visitor) {
  const { page, scripts } = visitor;
  const kind = await page.evaluate(kindOfPage);
  if (seen.has(kind)) return [];
  seen.add(kind);
  if (scripts) await still(page);
  const complaints = await page.evaluate(basics);
  const size = page.viewportSize();
  for (const width of widths) {
    await page.setViewportSize({ width, height: size.height });
    complaints.push(...(await page.evaluate(sideways)).map(what => `${width} px wide: ${what}`));
  }
  await page.setViewportSize(size);
  if (scripts) complaints.push(...await withAxe(page));
  complaints.push(...await stopsOfTab(page));
  complaints.push(...await withPreferences(page));
  if (scripts) await page.unroute('**/*', unchanged);
  return complaints;
}

// unchanged answers what a page asks for by itself: nothing is new.
const unchanged = route => route.request().headers()['hx-request'] ? route.fulfill({ status: 204 }) : route.fallback();

// still keeps the parts of a page that update themselves as they are, so that no control is replaced while it is
// looked at.
async function still (page) {
  await page.route('**/*', unchanged);
  await page.waitForFunction(() => !document.querySelector('.htmx-request'));
}

function kindOfPage () {
  const path = location.pathname.replace(/\/(?:[a-z]+_)?[0-9a-zA-Z-]{16,}/g, '/…');
  return path + [...document.querySelectorAll('h1, h2')].map(heading => '|' + heading.textContent.trim().replace(/\d+/g, '1')).join('');
}

function basics () {
  const complaints = [];
  if (document.querySelectorAll('h1').length !== 1) complaints.push(`${document.querySelectorAll('h1').length} first headings`);
  if (!document.title) complaints.push('no title');
  if (!document.documentElement.lang) complaints.push('no language');
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption) complaints.push('a table without a caption');
    if (!table.querySelector('th[scope]')) complaints.push('a table without th scope');
  }
  for (const control of document.body.querySelectorAll('[style], [onclick], [hx-on]')) complaints.push(`inline style or script: ${control.outerHTML.slice(0, 200)}`);
  for (const form of document.forms) if (!form.hasAttribute('action') || !form.hasAttribute('method')) complaints.push(`a form without action and method: ${form.outerHTML.slice(0, 200)}`);
  return complaints;
}

// sideways names what makes a page wider than its window. Tables may scroll in regions of their own.
function sideways () {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const over = rect => rect.right > innerWidth + 1;
  const wide = [...document.body.querySelectorAll('*')].filter(element => {
    if (element.closest('.scroll') && getComputedStyle(element).position !== 'absolute') return false;
    const text = document.createRange();
    text.selectNodeContents(element);
    return over(element.getBoundingClientRect()) || (element.children.length === 0 && over(text.getBoundingClientRect()));
  });
  return [`the page scrolls sideways to ${document.documentElement.scrollWidth}: ${wide.slice(-3).map(element => element.outerHTML.slice(0, 150)).join(' … ')}`];
}

async function withAxe (page) {
  const complaints = [];
  await page.evaluate(axe); // by the debugger, which the content policy does not hold
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }));
    for (const { id, impact, help, nodes } of violations) {
      if (impact === 'serious' || impact === 'critical') {
        complaints.push(`axe, ${colorScheme}: ${id}: ${help}: ${nodes.slice(0, 3).map(node => `${node.html.slice(0, 200)} ${node.any.map(check => check.message).join(' ')}`).join(' … ')}`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: null });
  return complaints;
}

// stopsOfTab goes through the page with the tab key: every control is reached, in the order of the document, is
// not covered, and shows that it has the focus.
async function stopsOfTab (page) {
  const complaints = [];
  const expected = await page.evaluate(() => {
    const groups = new Set();
    const controls = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')].filter(element => {
      if (element.disabled || !element.checkVisibility({ visibilityProperty: true }) || element.closest('[inert]')) return false;
      if (element.type !== 'radio') return true;
      const group = [...document.querySelectorAll(`input[type=radio][name="${CSS.escape(element.name)}"]`)].filter(other => other.form === element.form);
      const of = group.find(other => other.checked) || group[0];
      if (groups.has(of)) return false;
      groups.add(of);
      return of === element;
    });
    window.stops = controls;
    document.body.tabIndex = -1; // the tab key starts from here
    document.body.focus();
    document.body.removeAttribute('tabindex');
    return controls.length;
  });
  let next = 0;
  for (let presses = 0; presses < expected + 50 && next < expected; presses++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(next => {
      const element = document.activeElement;
      const place = window.stops.indexOf(element);
      const style = getComputedStyle(element);
      const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
      // What wraps over two lines has nothing in the middle of its rectangle.
      const [box] = [...element.getClientRects()].filter(rect => rect.width > 1 && rect.height > 1);
      const x = box && Math.min(Math.max(box.left + Math.min(box.width, 40) / 2, 0), innerWidth - 1);
      const y = box && Math.min(Math.max(box.top + Math.min(box.height, 40) / 2, 0), innerHeight - 1);
      const top = box && document.elementFromPoint(x, y);
      const covered = box && !(element.contains(top) || (top && top.contains(element)) || (top && element.labels && [...element.labels].some(label => label.contains(top))));
      return { place, ring, covered: covered && top ? top.outerHTML.slice(0, 100) : covered, html: element.outerHTML.slice(0, 150), body: element === document.body };
    }, next);
    if (at.body) break;
    if (at.place < 0) continue; // what scrolls is a stop of its own
    if (at.place !== next) complaints.push(`the tab key comes to ${at.html} as stop ${next}, and it is number ${at.place}`);
    next = at.place + 1;
    if (!at.ring) complaints.push(`the focus cannot be seen on ${at.html}`);
    if (at.covered) complaints.push(`the focus is covered on ${at.html} by ${at.covered}`);
  }
  if (next < expected) complaints.push(`the tab key comes to ${next} of ${expected} controls`);
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  return complaints;
}

// withPreferences looks at the page as people with forced colours, without motion and with larger text see it.
async function withPreferences (page) {
  const complaints = [];
  await page.emulateMedia({ forcedColors: 'active' });
  complaints.push(...await page.evaluate(() => [...document.querySelectorAll('button, input:not([type=hidden]), select, textarea')]
    .filter(element => element.checkVisibility() && getComputedStyle(element).borderStyle === 'none' && !['checkbox', 'radio', 'range', 'file'].includes(element.type))
    .map(element => `forced colours: no border around ${element.outerHTML.slice(0, 150)}`)));
  await page.emulateMedia({ forcedColors: null, reducedMotion: 'reduce' });
  complaints.push(...await page.evaluate(() => [...document.querySelectorAll('*')]
    .filter(element => { const style = getComputedStyle(element); return parseFloat(style.transitionDuration) > 0.01 || parseFloat(style.animationDuration) > 0.01 || style.scrollBehavior === 'smooth'; })
    .slice(0, 3).map(element => `reduced motion: ${element.outerHTML.slice(0, 150)} moves`)));
  await page.emulateMedia({ reducedMotion: null });
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  complaints.push(...(await page.evaluate(sideways)).map(what => `text of 200 %: ${what}`));
  await page.evaluate(() => { document.documentElement.style.removeProperty('font-size'); });
  return complaints;
}

module.exports = { examine, sideways };
